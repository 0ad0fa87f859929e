//! The binary, as an operator runs it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::json;

use crate::house::{Ask, text};

/// Names and values in the environment.
type Variables<'a> = [(&'a str, &'a str)];

pub(crate) fn im_server(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_im-server"));
    command.args(["--data-dir", data.to_str().unwrap()]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("IM_")) {
        command.env_remove(name);
    }
    command.current_dir(data.parent().unwrap());
    command
}

pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

/// A served binary; killed when a test fails before it stops it.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: std::net::SocketAddr,
}

impl Served {
    fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    pub(crate) fn start_with(data: &Path, variables: &Variables<'_>) -> Self {
        let mut command = im_server(data);
        command.envs(variables.iter().copied());
        command.args(["--log-format", "json", "--log", "debug"]);
        Self::serve(command)
    }

    /// Serves on a free port, and waits until it does.
    pub(crate) fn serve(mut command: Command) -> Self {
        Self::start_by(command.stderr(Stdio::piped()))
    }

    /// By a command of one's own, which says where its stderr goes.
    pub(crate) fn start_by(command: &mut Command) -> Self {
        Self::start_and_read(command, &mut [String::new()])
    }

    /// As [`start_by`](Self::start_by), with the first lines that it writes.
    fn start_and_read(command: &mut Command, lines: &mut [String]) -> Self {
        command.args(["--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
        for line in &mut *lines {
            stdout.read_line(line).unwrap();
        }
        let address = lines[0].trim().strip_prefix("listening on http://");
        let address = address.unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
        }
    }

    /// Ends it at once, as a power cut does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops by SIGTERM, and returns whether that went well, and the log where it is not elsewhere.
    pub(crate) fn stop(mut self) -> (bool, String) {
        let kill = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let mut log = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut log).unwrap();
        }
        (self.child.wait().unwrap().success(), log)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_lines_say_where_tcp_links_are() {
    let home = tempfile::tempdir().unwrap();
    let mut lines = [const { String::new() }; 3];
    let mut command = im_server(home.path());
    command.env("IM_TCP_LISTEN", "127.0.0.1:0");
    command.stderr(Stdio::piped());

    let served = Served::start_and_read(&mut command, &mut lines);

    let url = lines[2].trim().strip_prefix("TCP links on ").unwrap();
    let refused = im_transport::Client::connect(url, "no token", "phone").await;
    assert!(matches!(refused, Err(im_core::Error::Rejected(_))));
    assert!(served.stop().0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_needs_nothing_and_its_log_keeps_secrets() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let add = run(
        im_server(&data).args(["user", "add", "alice", "--password-stdin"]),
        "canary-password\n",
    );
    assert_eq!(stdout(&add), "alice can sign in");
    let again = run(
        im_server(&data).args(["user", "add", "alice", "--password-stdin"]),
        "canary-password\n",
    );
    assert!(
        String::from_utf8_lossy(&again.stderr).contains("taken"),
        "{again:?}"
    );
    let served = Served::start(&data);
    let ask = |line: &str| Ask::new(served.address, line);

    let body = json!({"user": "alice", "password": "canary-password"});
    let session = ask("POST /v1/sessions").json(body).await.json();
    let token = text(&session["access_token"]);
    let group = ask("POST /v1/conversations")
        .token(&token)
        .json(json!({"name": "canary-name"}))
        .await
        .json();
    let messages = format!(
        "/v1/conversations/{}/messages",
        text(&group["conversation"])
    );
    let content = json!({"content": {"kind": "text", "text": "canary-message"}});
    assert_eq!(
        ask(&format!("POST {messages}"))
            .token(&token)
            .json(content)
            .await
            .status,
        201
    );
    ask(&format!("GET {messages}?limit=canary-query"))
        .token(&token)
        .send()
        .await;
    ask("GET /v1/users/me").token("canary-token").send().await;
    ask("POST /v1/sessions")
        .json(json!({"user": "alice", "password": "canary-wrong"}))
        .await;
    let refresh = json!({"refresh_token": session["refresh_token"]});
    ask("POST /v1/sessions/refresh").json(refresh.clone()).await;
    ask("POST /v1/sessions/refresh").json(refresh).await;
    let ticket = ask("POST /v1/tickets").token(&token).send().await.json();

    let (stopped_well, log) = served.stop();
    assert!(stopped_well);
    let secret = std::fs::read_to_string(data.join("token.secret")).unwrap();
    let refresh = text(&session["refresh_token"]);
    for canary in [
        "canary",
        &token,
        &refresh,
        &secret,
        ticket["ticket"].as_str().unwrap_or("canary"),
    ] {
        assert!(!log.contains(canary), "{canary} is in the log");
    }
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string());
    }
    assert!(
        log.contains("/v1/conversations/{id}/messages"),
        "requests are logged by route"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_keys_of_the_command_line_work_on_the_server() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    assert_eq!(
        stdout(&run(im_server(&data).arg("migrate"), "")),
        "the database is up to date"
    );
    run(
        im_server(&data).args(["user", "add", "alice"]),
        "correct horse\n",
    );
    let token = stdout(&run(
        im_server(&data).args(["token", "issue", "--user", "alice", "--ttl", "1h"]),
        "",
    ));
    let key = stdout(&run(im_server(&data).args(["key", "create", "shop"]), ""));
    let nobody = run(
        im_server(&data).args(["token", "issue", "--user", "nobody"]),
        "",
    );
    assert!(!nobody.status.success());

    let served = Served::start(&data);
    let me = Ask::new(served.address, "GET /v1/users/me")
        .token(&token)
        .send()
        .await;
    assert_eq!(me.json()["user"], "alice");
    let upsert = Ask::new(served.address, "PUT /v1/users/bob")
        .token(&key)
        .json(json!({}))
        .await;
    assert_eq!(upsert.status, 200);
    assert!(served.stop().0);
}

/// What a device of alice learns by a sync from a cursor: whether it starts over, the texts, and where it is then.
async fn sync(served: &Served, token: &str, cursor: Option<&str>) -> (bool, Vec<String>, String) {
    let page = Ask::new(served.address, "POST /v1/sync")
        .token(token)
        .json(json!({"cursor": cursor}))
        .await
        .json();
    let entries = page["items"].as_array().unwrap().iter();
    let entries = entries.flat_map(|item| item["entries"].as_array().unwrap());
    let texts = entries.filter_map(|entry| entry["body"]["content"]["text"].as_str());
    let texts = texts.map(str::to_owned).collect();
    (
        page["reset"].as_bool().unwrap(),
        texts,
        text(&page["cursor"]),
    )
}

/// Replaces the database of a server that does not run by that of another.
fn copy_database(from: &Path, to: &Path) {
    for file in ["im.db", "im.db-wal", "im.db-shm"] {
        let _ = std::fs::remove_file(to.join(file));
        if from.join(file).exists() {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_each_restore_a_new_epoch_makes_every_device_start_over() {
    let home = tempfile::tempdir().unwrap();
    let (data, backup) = (home.path().join("data"), home.path().join("backup"));
    std::fs::create_dir(&backup).unwrap();
    run(
        im_server(&data).args(["user", "add", "alice"]),
        "correct horse\n",
    );
    let issue = ["token", "issue", "--user", "alice", "--ttl", "1h"];
    let token = stdout(&run(im_server(&data).args(issue), ""));
    let served = Served::start(&data);
    let group = Ask::new(served.address, "POST /v1/conversations")
        .token(&token)
        .json(json!({"name": "notes"}))
        .await
        .json();
    let path = format!(
        "POST /v1/conversations/{}/messages",
        text(&group["conversation"])
    );
    let say = async |served: &Served, said: &str| {
        let content = json!({"content": {"kind": "text", "text": said}});
        let ask = Ask::new(served.address, &path).token(&token);
        assert_eq!(ask.json(content).await.status, 201);
    };
    say(&served, "in the backup").await;
    assert!(served.stop().0);
    copy_database(&data, &backup);

    let mut cursor: Option<String> = None;
    for lost in ["lost at first", "lost again"] {
        let served = Served::start(&data);
        let (reset, texts, _) = sync(&served, &token, cursor.as_deref()).await;
        assert_eq!(reset, cursor.is_some(), "{lost}");
        assert_eq!(texts, ["in the backup"]);
        say(&served, lost).await;
        cursor = Some(sync(&served, &token, None).await.2);
        assert!(served.stop().0);
        copy_database(&backup, &data);
        let renewed = stdout(&run(im_server(&data).arg("new-epoch"), ""));
        assert!(renewed.contains("every device starts over"), "{renewed}");
    }

    let served = Served::start(&data);
    let (reset, texts, fresh) = sync(&served, &token, cursor.as_deref()).await;
    assert_eq!((reset, texts), (true, vec!["in the backup".to_owned()]));
    assert!(!sync(&served, &token, Some(&fresh)).await.0);
    assert!(served.stop().0);
}

#[test]
fn an_operator_erases_a_user() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let add = || {
        run(
            im_server(&data).args(["user", "add", "alice"]),
            "correct horse\n",
        )
    };
    let erase = |name: &str| run(im_server(&data).args(["user", "erase", name]), "");
    assert!(add().status.success());

    assert!(stdout(&erase("alice")).starts_with("alice is erased"));

    let nobody = erase("nobody");
    assert!(!nobody.status.success());
    let again = String::from_utf8_lossy(&add().stderr).into_owned();
    assert!(again.contains("taken"), "{again}");
}

#[test]
fn a_server_that_cannot_start_says_what_to_change() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let file = home.path().join("bad.toml");
    std::fs::write(&file, "lissten = 1").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let weak = [("IM_TOKEN_SECRET", "your-256-bit-secret")];
    let cases: [(&[&str], &Variables<'_>, &[&str]); 7] = [
        (
            &["--config", file.to_str().unwrap()],
            &[],
            &["bad.toml", "line 1", "lissten"],
        ),
        (&["--listen", "nowhere"], &[], &["--listen"]),
        (&["--listen", &taken], &[], &["listen", &taken]),
        (&[], &weak, &["token_secret", "openssl"]),
        (&[], &[("IM_DATABASE_URL", "oracle://x")], &["database_url"]),
        (
            &[],
            &[("IM_CODE_SENDER", "log")],
            &["code_sender", "mode", "development"],
        ),
        (&[], &[("IM_MODE", "test")], &["IM_MODE", "production"]),
    ];
    for (arguments, environment, expected) in cases {
        let output = run(
            im_server(&data)
                .args(arguments)
                .envs(environment.iter().copied()),
            "",
        );
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        for part in expected {
            assert!(
                error.contains(part),
                "{arguments:?} {environment:?}: {error}"
            );
        }
        assert!(!error.contains("your-256-bit-secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_makes_the_first_admin_also_while_the_server_runs() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let operator = |args: &[&str]| run(im_server(&data).args(args), "correct horse\n");
    stdout(&operator(&["user", "add", "ann", "--password-stdin"]));
    let served = Served::start(&data);
    let ask = |line: &str| Ask::new(served.address, line);
    let body = json!({"user": "ann", "password": "correct horse"});
    let session = ask("POST /v1/sessions").json(body).await.json();
    let token = text(&session["access_token"]);
    let audit = async || ask("GET /v1/admin/audit").token(&token).send().await;
    assert_eq!(audit().await.status, 403);

    let promoted = operator(&["user", "promote", "ann"]);

    assert_eq!(stdout(&promoted), "ann is an admin");
    let records = audit().await.json();
    let record = &records["items"][0];
    let told = ["method", "authority", "about", "outcome"].map(|name| text(&record[name]));
    assert_eq!(told, ["admin.promote", "service", "ann", "done"]);
    let nobody = operator(&["user", "promote", "nobody"]);
    assert!(!nobody.status.success());
    let demoted = operator(&["user", "demote", "ann"]);
    assert_eq!(stdout(&demoted), "ann is no admin");
    assert_eq!(audit().await.status, 403);
    assert!(served.stop().0);
}
