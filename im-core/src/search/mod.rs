//! What a search looks for, which messages it finds, and where its next page begins. How a store finds them fast is its
//! own; what a user may see of them is the engine's.

mod cursor;
mod needle;
mod text;

pub use cursor::{InvalidSearchCursor, SearchCursor};
pub use needle::Needle;
pub use text::{SEARCH_FORMAT, normalized, searchable_text};
