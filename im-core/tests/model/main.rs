#![allow(missing_docs)]
mod readme;
