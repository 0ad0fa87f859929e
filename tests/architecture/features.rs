//! What `docs/features.md` says is held against the code: commands, routes, proofs.

use std::{collections::BTreeSet, fs, path::Path};

use im_core::METHODS;

/// What stands between backticks on the page.
fn quoted(page: &str) -> Vec<&str> {
    page.split('`').skip(1).step_by(2).collect()
}

/// What is wrong on the page.
pub(crate) fn untrue(root: &Path) -> Vec<String> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let page = read("docs/features.md");
    let quoted = quoted(&page);
    let is_method = |text: &str| {
        let parts: Vec<_> = text.split('.').collect();
        let is_word = |part: &&str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        };
        parts.len() == 2 && parts.iter().all(is_word) && !text.ends_with(".rs")
    };
    let named: BTreeSet<&str> = quoted.iter().copied().filter(|it| is_method(it)).collect();
    let known: BTreeSet<&str> = METHODS.iter().copied().collect();
    let mut wrong: Vec<String> = known
        .difference(&named)
        .map(|method| format!("{method} is on no row"))
        .chain(
            named
                .difference(&known)
                .map(|method| format!("there is no {method}")),
        )
        .collect();

    let routes: String = fs::read_dir(root.join("im-server/src/rest"))
        .into_iter()
        .flatten()
        .filter_map(|file| fs::read_to_string(file.ok()?.path()).ok())
        .collect();
    for route in quoted.iter().filter(|it| it.contains(" /v1/")) {
        let (verb, path) = route.split_once(' ').unwrap_or_default();
        let documented = format!("({}, path = \"{path}\"", verb.to_lowercase());
        if !routes.contains(&documented) {
            wrong.push(format!("there is no route {route}"));
        }
    }

    let mut file = String::new();
    let mut proofs = 0;
    for text in quoted {
        if text.ends_with(".rs") {
            file = read(text);
            if file.is_empty() {
                wrong.push(format!("there is no {text}"));
            }
        } else if !file.is_empty() && text.contains('_') && !is_method(text) {
            proofs += 1;
            if !file.contains(&format!("fn {text}(")) {
                wrong.push(format!("there is no test {text}"));
            }
        }
    }
    if proofs < 30 {
        wrong.push(format!("only {proofs} proofs were found"));
    }
    wrong
}
