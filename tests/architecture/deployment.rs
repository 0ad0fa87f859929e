//! The files of `examples/deploy` agree with the server and with each other: keys, variables, ports, paths. Whether an
//! engine of containers takes them, no test here can tell.

use std::{cell::RefCell, collections::BTreeSet, fs, net::SocketAddr, path::PathBuf};

use im_server::{Config, Settings};
use serde_json::Value;

/// The server takes as long to stop, in seconds.
const STOPPING: u64 = 10;

fn path(name: &str) -> PathBuf {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("examples/deploy").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Value {
    serde_yaml_ng::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The values of `Key=value` in a section of a unit.
fn unit<'t>(text: &'t str, section: &str, key: &str) -> Vec<&'t str> {
    let lines = text.lines().skip_while(|line| *line != section).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .collect()
}

/// Every variable that the configuration looks up.
fn variables() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        None
    };
    Config::load(Settings::default(), None, lookup).unwrap();
    asked.into_inner()
}

/// The variables of the server that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let is_variable = |word: &&str| {
        word.starts_with("IM_") && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    };
    words.filter(is_variable).collect()
}

/// Every file of ours, by its name.
fn files() -> Vec<(String, String)> {
    fn collect(folder: PathBuf, files: &mut Vec<(String, String)>) {
        for item in fs::read_dir(folder).unwrap() {
            let item = item.unwrap().path();
            if item.is_dir() {
                collect(item, files);
            } else {
                let text = fs::read_to_string(&item).unwrap();
                files.push((item.display().to_string(), text));
            }
        }
    }
    let mut files = Vec::new();
    collect(path(""), &mut files);
    files
}

/// What the container of a node is told, as it would be in its environment.
fn environment(values: &Value) -> impl Fn(&str) -> Option<String> {
    move |name: &str| {
        let text = values.get(name)?.as_str()?;
        // What comes from the environment of whoever starts it.
        let is_given = text.starts_with("${") && text.contains(":?");
        let given = || "0123456789abcdef0123456789abcdef".to_owned();
        if is_given {
            return Some(given());
        }
        let default = text
            .strip_prefix("${")
            .and_then(|rest| rest.split_once(":-"));
        let default = default.and_then(|(_, rest)| rest.strip_suffix('}'));
        Some(default.unwrap_or(text).to_owned())
    }
}

fn port(address: SocketAddr) -> u64 {
    address.port().into()
}

#[test]
fn every_variable_that_is_named_is_one_of_the_server() {
    let known = variables();
    assert!(known.contains("IM_METRICS_TOKEN") && known.contains("IM_LIMITS_PAGE"));

    let mut count = 0;
    for (name, text) in files() {
        for variable in named(&text) {
            count += 1;
            assert!(known.contains(variable), "{name}: {variable}");
        }
    }
    assert!(count > 20, "only {count} were found");
}

#[test]
fn the_file_of_settings_is_one_that_the_server_takes() {
    let config = Config::load(Settings::default(), Some(path("im.toml")), |_| None).unwrap();
    let commented = read("im.toml").replace("# [", "[");
    let commented = ["path", "max_mib", "keep", "endpoint", "one_in"]
        .iter()
        .fold(commented, |text, key| {
            text.replace(&format!("# {key} ="), &format!("{key} ="))
        });
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("im.toml");
    fs::write(&file, commented).unwrap();
    let with_all = Config::load(Settings::default(), Some(file), |_| None).unwrap();

    assert!(config.listen.ip().is_loopback());
    assert!(with_all.log_file.path.is_some() && with_all.traces.endpoint.is_some());
}

#[test]
fn the_unit_agrees_with_the_file_of_settings() {
    let text = read("im-server.service");
    let service = |key| unit(&text, "[Service]", key);
    let config = Config::load(Settings::default(), Some(path("im.toml")), |_| None).unwrap();

    let command = service("ExecStart")[0];
    assert!(command.ends_with(" --config /etc/im/im.toml"), "{command}");
    let state = format!("/var/lib/{}", service("StateDirectory")[0]);
    assert_eq!(config.data_dir, PathBuf::from(state));
    let files: usize = service("LimitNOFILE")[0].parse().unwrap();
    assert!(files > config.max_connections);
    let stop: u64 = service("TimeoutStopSec")[0].parse().unwrap();
    assert!(stop > STOPPING);
    for (key, value) in [
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""),
    ] {
        assert_eq!(service(key), [value], "{key}");
    }
    assert_eq!(unit(&text, "[Install]", "WantedBy"), ["multi-user.target"]);
}

#[test]
fn the_image_runs_as_nobody_and_is_asked_whether_it_is_ready() {
    let text = read("Dockerfile");
    let line = |start: &str| text.lines().rfind(|line| line.starts_with(start));

    assert_eq!(line("USER"), Some("USER 65532:65532"));
    assert_eq!(line("EXPOSE"), Some("EXPOSE 8080 9464"));
    assert_eq!(
        line("ENTRYPOINT"),
        Some("ENTRYPOINT [\"/usr/local/bin/im-server\"]")
    );
    assert!(text.contains("CMD [\"/usr/local/bin/im-server\", \"ready\"]"));
    assert!(text.contains("cargo build --release --locked -p im-server"));
    let toolchain = concat!("FROM rust:", env!("CARGO_PKG_RUST_VERSION"));
    assert!(line(toolchain).is_some(), "{toolchain}");
}

#[test]
fn two_nodes_of_compose_are_what_their_balancer_and_prometheus_ask() {
    let compose = yaml("compose.yaml");
    let nodes = ["node1", "node2"].map(|name| &compose["services"][name]);
    let balancer = read("haproxy.cfg");
    let prometheus = yaml("prometheus/prometheus.yml");
    let targets = &prometheus["scrape_configs"][0]["static_configs"][0]["targets"];

    for (place, node) in nodes.into_iter().enumerate() {
        let values = &node["environment"];
        let mut image = values.clone();
        // As the Dockerfile says.
        image["IM_LISTEN"] = "0.0.0.0:8080".into();
        let config = Config::load(Settings::default(), None, environment(&image)).unwrap();
        let (http, metrics) = (port(config.listen), port(config.metrics.listen.unwrap()));
        let name = format!("node{}", place + 1);
        assert!(balancer.contains(&format!("server {name} {name}:{http}\n")));
        assert_eq!(targets[place], format!("{name}:{metrics}"));
        let exposed = [http, metrics].map(|port| Value::from(port.to_string()));
        assert_eq!(node["expose"], Value::from(exposed.to_vec()));
        assert_eq!(node["read_only"], true);
        let files = node["ulimits"]["nofile"].as_u64().unwrap();
        assert!(files > config.max_connections as u64);
        let grace = node["stop_grace_period"].as_str().unwrap();
        let grace: u64 = grace.trim_end_matches('s').parse().unwrap();
        assert!(grace > STOPPING);
    }
    assert_eq!(nodes[0], nodes[1], "nodes differ in nothing");
    let published = compose["services"]["balancer"]["ports"][0]
        .as_str()
        .unwrap();
    let bound = published.rsplit(':').next().unwrap();
    assert!(balancer.contains(&format!("bind :{bound}\n")));
    assert!(balancer.contains("option httpchk GET /readyz"));
    let tunnel = balancer.split("timeout tunnel ").nth(1).unwrap();
    let tunnel: u64 = tunnel.split('s').next().unwrap().parse().unwrap();
    assert!(tunnel > 2 * 25, "two heartbeats and more");
}

#[test]
fn what_compose_mounts_is_there() {
    let compose = yaml("compose.yaml");
    let services = compose["services"].as_object().unwrap().values();
    let volumes = services.filter_map(|service| service["volumes"].as_array());
    let volumes = volumes.flatten().filter_map(Value::as_str);
    let named = compose["volumes"].as_object().unwrap();

    let mut count = 0;
    for volume in volumes {
        count += 1;
        let from = volume.split(':').next().unwrap();
        let is_there = match from.strip_prefix("./") {
            Some(file) => path(file).exists(),
            None => named.contains_key(from),
        };
        assert!(is_there, "{volume}");
    }
    assert!(count >= 5);
    let rules = yaml("prometheus/prometheus.yml");
    let rules = rules["rule_files"][0].as_str().unwrap();
    assert!(path("prometheus").join(rules).exists());
}

#[test]
fn the_cluster_s_ports_paths_and_names_agree() {
    let of = |file: &str| yaml(&format!("kubernetes/{file}.yaml"));
    let (deployment, settings, secret) = (of("deployment"), of("configmap"), of("secret.example"));
    let mut values = settings["data"].clone();
    for (name, value) in secret["stringData"].as_object().unwrap() {
        let given = value.as_str().filter(|text| !text.is_empty());
        values[name] = given.unwrap_or("${GIVEN:?}").into();
    }
    let config = Config::load(Settings::default(), None, environment(&values)).unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];

    let ports = container["ports"].as_array().unwrap();
    let port_of = |name: &str| {
        let port = ports.iter().find(|port| port["name"] == name).unwrap();
        port["containerPort"].as_u64().unwrap()
    };
    assert_eq!(port_of("http"), port(config.listen));
    assert_eq!(port_of("metrics"), port(config.metrics.listen.unwrap()));
    for (probe, path) in [
        ("startupProbe", "/healthz"),
        ("livenessProbe", "/healthz"),
        ("readinessProbe", "/readyz"),
    ] {
        assert_eq!(container[probe]["httpGet"]["path"], path, "{probe}");
        assert_eq!(container[probe]["httpGet"]["port"], "http", "{probe}");
    }
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    let pause = &container["lifecycle"]["preStop"]["sleep"]["seconds"];
    assert!(grace > pause.as_u64().unwrap() + STOPPING);
    let data = &container["env"][0];
    assert_eq!(data["name"], "IM_DATA_DIR");
    assert_eq!(container["volumeMounts"][0]["mountPath"], data["value"]);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);

    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let service = of("service");
    assert_eq!(&service["spec"]["selector"], labels);
    assert_eq!(service["spec"]["ports"][0]["targetPort"], "http");
    for file in ["poddisruptionbudget", "podmonitor"] {
        assert_eq!(
            &of(file)["spec"]["selector"]["matchLabels"],
            labels,
            "{file}"
        );
    }
    assert_eq!(
        &of("networkpolicy")["spec"]["podSelector"]["matchLabels"],
        labels
    );
    let from = container["envFrom"].as_array().unwrap();
    assert_eq!(
        from[0]["configMapRef"]["name"],
        settings["metadata"]["name"]
    );
    assert_eq!(from[1]["secretRef"]["name"], secret["metadata"]["name"]);
    let monitor = of("podmonitor");
    let scrape = &monitor["spec"]["podMetricsEndpoints"][0];
    assert_eq!(scrape["port"], "metrics");
    let key = scrape["authorization"]["credentials"]["key"]
        .as_str()
        .unwrap();
    assert!(secret["stringData"].get(key).is_some());
    for file in of("kustomization")["resources"].as_array().unwrap() {
        let file = file.as_str().unwrap();
        assert!(path("kubernetes").join(file).exists(), "{file}");
    }
}

#[test]
fn alerts_and_the_dashboard_are_well_formed() {
    let alerts = yaml("prometheus/alerts.yml");
    let rules = alerts["groups"][0]["rules"].as_array().unwrap();
    for rule in rules {
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["page", "look"].contains(&severity), "{rule}");
        assert!(rule["annotations"]["summary"].is_string(), "{rule}");
        let expression = rule["expr"].as_str().unwrap();
        let count = |c| expression.matches(c).count();
        assert_eq!(count('('), count(')'), "{expression}");
        assert_eq!(count('{'), count('}'), "{expression}");
    }
    let dashboard: Value = serde_json::from_str(&read("grafana/im-server.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
}

/// The lines of the log that `docs/operations.md` explains, against the code that writes them.
#[test]
fn every_log_line_that_is_explained_is_one_that_is_written() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/operations.md")).unwrap();
    let table = page.split("| line | what happened |").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let lines = rows.flat_map(|row| {
        let first = row
            .trim_start_matches('|')
            .split('|')
            .next()
            .unwrap_or_default();
        first.split('`').skip(1).step_by(2)
    });
    let sources = crate::sources::sources();
    // Put together from what was being done.
    let whole = ["appending failed", "failed"];

    let mut count = 0;
    for line in lines.filter(|line| !whole.contains(line)) {
        count += 1;
        let text = line.to_owned();
        let is_written = sources.iter().any(|source| source.code.contains(&text));
        assert!(is_written, "{line}");
    }
    assert!(count > 15, "only {count} were found");
}
