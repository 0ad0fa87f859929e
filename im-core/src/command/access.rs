//! Who may ask a command, before anything is looked at: the first of two answers. The second is the conversation's own.

/// Who may ask a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Whoever has a session, whatever its token is good for: it keeps the session alive, or ends it.
    Open,
    /// Users with a token that is good for reading.
    Read,
    /// Users with a token that is good for writing, unless an admin has taken that away.
    Write,
    /// Services; and admins, of whom it is written down. What a back end does all day.
    Operate,
    /// Services and admins; nothing changes.
    Inspect,
    /// Services and admins; it is written down who did it, and what became of it.
    Administer,
}

/// In which allowance of its user a command is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Allowance {
    /// Text of open messages: [`Limits::deltas_per_second`](crate::Limits::deltas_per_second).
    Deltas,
    /// Messages and changes of conversations: [`Limits::sends_per_second`](crate::Limits::sends_per_second).
    Sends,
    /// Everything else: [`Limits::requests_per_second`](crate::Limits::requests_per_second).
    Requests,
    /// Not counted: what keeps a session alive or ends it.
    Free,
}
