//! The two encodings of a frame.

use serde::{Serialize, de::DeserializeOwned};

/// How frames are written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// JSON text.
    Json,
    /// MessagePack with named fields.
    MessagePack,
}

/// Bytes that are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Not JSON, or not of the expected shape.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Not MessagePack, or not of the expected shape.
    #[error(transparent)]
    MessagePack(#[from] rmp_serde::decode::Error),
}

impl Format {
    /// Reads one value.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are not of this format or not of this shape.
    pub fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, WireError> {
        Ok(match self {
            Self::Json => serde_json::from_slice(bytes)?,
            Self::MessagePack => rmp_serde::from_slice(bytes)?,
        })
    }

    /// Appends one value to `bytes`.
    ///
    /// # Panics
    /// Never for the types of this crate: all their map keys are strings and writing to memory cannot fail.
    pub fn write<T: Serialize>(self, value: &T, bytes: &mut Vec<u8>) {
        match self {
            Self::Json => serde_json::to_writer(bytes, value).expect("wire types have string keys"),
            Self::MessagePack => {
                rmp_serde::encode::write_named(bytes, value).expect("wire types encode")
            }
        }
    }
}
