//! Settings that an admin changes while programs run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Settings by group and name, as in a configuration file: `{"limits": {"recall_ms": 300000}}`.
pub type SettingGroups = BTreeMap<String, Map<String, Value>>;

/// What was changed of the settings, as it is stored: whatever is not in it is as each host configured it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChangedSettings {
    /// Grows by one with each change; 0 where nothing was ever changed.
    pub version: u64,
    /// What was changed, and to what.
    pub changed: SettingGroups,
}
