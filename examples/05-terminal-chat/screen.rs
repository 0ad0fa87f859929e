//! What is on the screen: lines that stay, with a mark that changes, and below them the line that is being written.
//!
//! Where the output is no terminal, lines and changed marks are printed one after the other.

use std::io::{self, IsTerminal as _, Write as _};

use im_core::{Position, Seq};

/// How many rows up a mark is still changed: what has scrolled away stays as it is.
const REACH: usize = 20;

/// The lines of one conversation.
pub(crate) struct Screen {
    columns: Option<usize>,
    hint: String,
    input: String,
    lines: Vec<Line>,
    /// How far the other side has come.
    position: Position,
    sending: usize,
}

struct Line {
    /// Set for messages of one's own, which have a mark.
    own: Option<(Seq, &'static str)>,
    rows: usize,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self {
            columns: is_terminal.then(|| super::keys::columns().unwrap_or(80)),
            hint: String::new(),
            input: String::new(),
            lines: Vec::new(),
            position: Position::default(),
            sending: 0,
        }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, text: &str) {
        self.add(text, None);
    }

    /// Adds a message of one's own.
    pub(crate) fn own(&mut self, seq: Seq, text: &str) {
        let mark = mark(seq, self.position);
        self.add(text, Some((seq, mark)));
    }

    fn add(&mut self, text: &str, own: Option<(Seq, &'static str)>) {
        // What others write must not steer our terminal.
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let mark = own.map_or("", |(_, mark)| mark);
        let text = format!("{mark:<5}{text}");
        let rows = self
            .columns
            .map_or(1, |columns| text.chars().count().div_ceil(columns));
        self.lines.push(Line { own, rows });
        match self.columns {
            Some(_) => print!("\r\x1b[K{text}\n"),
            None => println!("{text}"),
        }
        self.draw();
    }

    /// The other side has come further: changes the marks.
    pub(crate) fn advance(&mut self, position: Position) {
        self.position = self.position.merge(position);
        let mut up = 0;
        for line in self.lines.iter_mut().rev() {
            up += line.rows;
            let Some((seq, shown)) = &mut line.own else {
                continue;
            };
            let now = mark(*seq, self.position);
            if up > REACH {
                break;
            }
            if *shown != now {
                *shown = now;
                match self.columns {
                    Some(_) => print!("\x1b7\x1b[{up}A\r{now:<5}\x1b8"),
                    None => println!("{now:<5}#{seq}"),
                }
            }
        }
        self.draw();
    }

    /// What is being written.
    pub(crate) fn input(&mut self, text: String) {
        self.input = text;
        self.draw();
    }

    /// What stands before it.
    pub(crate) fn hint(&mut self, text: &str) {
        text.clone_into(&mut self.hint);
        self.draw();
    }

    /// A line is on its way to the server.
    pub(crate) fn sends(&mut self) {
        self.sending += 1;
        self.draw();
    }

    /// The server has it.
    pub(crate) fn sent(&mut self) {
        self.sending = self.sending.saturating_sub(1);
        self.draw();
    }

    fn draw(&self) {
        if let Some(columns) = self.columns {
            let sending = match self.sending {
                0 => String::new(),
                count => format!("sending {count}… "),
            };
            let before = format!("{}{sending}> ", self.hint);
            // One row, so that the rows above can be counted: of a long line the end.
            let room = columns.saturating_sub(before.chars().count() + 1);
            let hidden = self.input.chars().count().saturating_sub(room);
            let end: String = self.input.chars().skip(hidden).collect();
            print!("\r\x1b[K{before}{end}");
        }
        // A terminal that is gone takes nothing; the keys end with it.
        let _ = io::stdout().flush();
    }
}

fn mark(seq: Seq, position: Position) -> &'static str {
    if position.read >= seq {
        "read"
    } else if position.delivered >= seq {
        "✓✓"
    } else {
        "✓"
    }
}
