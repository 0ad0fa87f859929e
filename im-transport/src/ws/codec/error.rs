//! What a peer can do wrong, and the close code that says so. What this side does wrong is not here.

/// What the peer did wrong. The connection ends with [`ProtocolError::close_code`]; nothing after it can be decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A client's frame without a mask (RFC 6455, 5.1).
    #[error("frame from a client is not masked")]
    UnmaskedFrame,
    /// A server's frame with a mask (RFC 6455, 5.1).
    #[error("frame from a server is masked")]
    MaskedFrame,
    /// An RSV bit is set though no extension was agreed on.
    #[error("reserved bits are set")]
    ReservedBits,
    /// An opcode that RFC 6455 reserves.
    #[error("opcode {0:#x} is unknown")]
    UnknownOpcode(u8),
    /// A 64-bit length with its most significant bit set.
    #[error("length has its top bit set")]
    LengthTopBit,
    /// A length in 16 or 64 bits that fits into fewer.
    #[error("length is not encoded in the fewest bytes")]
    LongLengthEncoding,
    /// A control frame that claims more than [`MAX_CONTROL_PAYLOAD`](super::MAX_CONTROL_PAYLOAD) bytes.
    #[error("control frame is longer than 125 bytes")]
    LongControl,
    /// A control frame without FIN.
    #[error("control frame is fragmented")]
    FragmentedControl,
    /// A continuation of no message.
    #[error("continuation without a message to continue")]
    StrayContinuation,
    /// A text or binary frame before the fragmented message ended.
    #[error("new message inside a fragmented one")]
    UnfinishedMessage,
    /// A close payload of one byte, which is half a code.
    #[error("close payload is one byte long")]
    ShortClose,
    /// A close code that is reserved, unassigned, or never sent on the wire.
    #[error("close code {0} is not allowed")]
    CloseCode(u16),
    /// A text or a close reason that is not UTF-8.
    #[error("text is not valid UTF-8")]
    InvalidUtf8,
    /// A frame or a message above its limit; told from the header, before the payload arrives.
    #[error("frame or message is too large")]
    TooLarge,
    /// A message in more fragments than allowed.
    #[error("message has too many fragments")]
    TooManyFragments,
}

impl ProtocolError {
    /// The code to close with: 1007 for bad UTF-8, 1009 for what exceeds a limit, else 1002.
    pub fn close_code(self) -> u16 {
        match self {
            Self::InvalidUtf8 => 1007,
            Self::TooLarge | Self::TooManyFragments => 1009,
            Self::UnmaskedFrame
            | Self::MaskedFrame
            | Self::ReservedBits
            | Self::UnknownOpcode(_)
            | Self::LengthTopBit
            | Self::LongLengthEncoding
            | Self::LongControl
            | Self::FragmentedControl
            | Self::StrayContinuation
            | Self::UnfinishedMessage
            | Self::ShortClose
            | Self::CloseCode(_) => 1002,
        }
    }
}
