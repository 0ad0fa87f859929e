//! Settings of a host that an admin changes while it runs.

use serde_json::{Map, Value};

/// A group of settings. The engine brings `limits`; a host registers others with
/// [`Builder::adjustable`](crate::Builder::adjustable).
///
/// # Contract
/// - `configured` says every setting of the group that can be changed, always the same ones. A value is never null: that is
///   how an admin takes a change back.
/// - `check` and `hold` get a value for each of them. `check` is pure. `hold` is called with what `check` let pass, returns
///   at once, and holds for everything that begins afterwards.
pub trait Adjustable: Send + Sync + 'static {
    /// Its name among the groups.
    fn name(&self) -> &'static str;

    /// What the host configured.
    fn configured(&self) -> Map<String, Value>;

    /// Whether this could hold.
    ///
    /// # Errors
    /// A sentence that names the setting and what it can be.
    fn check(&self, settings: &Map<String, Value>) -> Result<(), String>;

    /// Holds from now on.
    fn hold(&self, settings: &Map<String, Value>);
}
