//! The tables: who asked for what gets which code. A line of each is a row, a word of a row a cell.
//!
//! ```text
//! message.edit {"conversation": "$group", "target": "$said"}      what is asked, with things of the stage
//!     -            not_found not_found ok forbidden …              as it stands; one word for each caller
//!     target       not_found not_found not_found …                 with an id that nobody has in this place
//!     target=$zoe  …                                               with another one
//! ```

use im_core::METHODS;
use serde_json::{Value, json};

use super::stage::CALLERS;

/// Names of fields that hold an id of something: each has a line of its own wherever it is asked for.
const IDS: &[&str] = &[
    "about",
    "code",
    "conversation",
    "device",
    "from",
    "members",
    "notice",
    "notices",
    "reply_to",
    "report",
    "root",
    "seq",
    "seqs",
    "target",
    "template",
    "thread",
    "user",
    "users",
];

/// Fields that hold an id in these alone.
const IDS_OF: &[(&str, &str)] = &[
    ("message.unschedule", "client_id"),
    ("notice.delete_template", "name"),
    ("notice.put_template", "name"),
];

/// What is asked, and what becomes of it.
pub(super) struct Block {
    /// A method, or a verb and a path.
    pub(super) name: String,
    pub(super) params: Value,
    pub(super) rows: Vec<Row>,
}

/// The same with another id.
pub(super) struct Row {
    /// `-` for the ask as it stands, the path of an id that is replaced by one that nobody has, or `path=thing`.
    pub(super) label: String,
    /// What each caller is to get, in the order of the columns: `ok`, or a code.
    pub(super) cells: Vec<String>,
}

impl Row {
    /// Whether nobody has the id that is put in.
    pub(super) fn is_absence(&self) -> bool {
        self.label != "-" && !self.label.contains('=')
    }

    /// The parameters with what the label says put in.
    pub(super) fn params(&self, block: &Block) -> Value {
        let mut params = block.params.clone();
        if self.label == "-" {
            return params;
        }
        let (path, thing) = match self.label.split_once('=') {
            Some((path, thing)) => (path, json!(thing)),
            None => (self.label.as_str(), Value::Null),
        };
        let field = path.split('.').fold(&mut params, |at, name| &mut at[name]);
        let name = path.rsplit('.').next().unwrap_or(path);
        let thing = if thing.is_null() { absent(name) } else { thing };
        let is_list = field.is_array() || ["seqs", "users", "members", "notices"].contains(&name);
        *field = if is_list { json!([thing]) } else { thing };
        params
    }
}

/// An id that nobody has.
fn absent(name: &str) -> Value {
    match name {
        "conversation" | "from" => json!("01234567-89ab-7def-8123-456789abcdef"),
        "report" => json!("0198f3c2-7d3e-7c55-b0de-5c6a7d8e9f01"),
        "code" => json!("x3PwZcL0T2mEJd1KZ5bq3g"),
        "reply_to" | "root" | "seq" | "seqs" | "target" | "thread" => json!(9_999),
        _ => json!("nobody-has-this"),
    }
}

/// Reads a table of so many columns.
pub(super) fn read(text: &str, columns: usize) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with('#') {
            continue;
        }
        if let Some(row) = line.strip_prefix("    ") {
            let mut words = row.split_whitespace().map(str::to_owned);
            let label = words.next().unwrap();
            let cells: Vec<_> = words.collect();
            assert_eq!(cells.len(), columns, "a word for each caller: {line}");
            blocks.last_mut().unwrap().rows.push(Row { label, cells });
        } else {
            let at = line
                .find(" {")
                .unwrap_or_else(|| panic!("no parameters: {line}"));
            let params = serde_json::from_str(&line[at + 1..]);
            blocks.push(Block {
                name: line[..at].to_owned(),
                params: params.unwrap_or_else(|error| panic!("{line}: {error}")),
                rows: Vec::new(),
            });
        }
    }
    blocks
}

/// The table of commands.
pub(super) fn commands() -> Vec<Block> {
    read(include_str!("commands.txt"), CALLERS.len())
}

#[test]
fn every_command_and_every_id_in_it_has_its_row() {
    let blocks = commands();

    let mut told: Vec<_> = blocks.iter().map(|block| block.name.as_str()).collect();
    told.sort_unstable();
    told.dedup();
    let mut methods = METHODS.to_vec();
    methods.sort_unstable();
    assert_eq!(
        told, methods,
        "one block for each command in tests/stories/matrix/commands.txt"
    );
    for block in &blocks {
        assert_eq!(
            block.rows[0].label, "-",
            "{} begins with the plain row",
            block.name
        );
        for (name, value) in block.params.as_object().unwrap() {
            let is_id = IDS.contains(&name.as_str())
                || IDS_OF.contains(&(block.name.as_str(), name.as_str()));
            let has_row = |path: &str| {
                let has = block.rows.iter().any(|row| row.label == path);
                assert!(has, "{}: no row for {path} that nobody has", block.name);
            };
            match value.as_object() {
                Some(inner) if is_id => {
                    let inner = inner.keys().filter(|name| IDS.contains(&name.as_str()));
                    inner.for_each(|inner| has_row(&format!("{name}.{inner}")));
                }
                _ if is_id => has_row(name),
                _ => {}
            }
        }
    }
}

#[test]
fn no_field_of_a_command_escapes_the_list_of_ids() {
    // What golden frames ask with, and the table does not, would be an id that nobody tries.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    for block in commands() {
        let frame = std::fs::read(folder.join(format!("{}.json", block.name))).unwrap();
        let frame: Value = serde_json::from_slice(&frame).unwrap();
        let fields = frame["request"]["params"].as_object().unwrap();
        for name in fields.keys().filter(|name| IDS.contains(&name.as_str())) {
            assert!(
                !block.params[name].is_null(),
                "{}: the golden frame has {name}, and the matrix does not ask with it",
                block.name
            );
        }
    }
}
