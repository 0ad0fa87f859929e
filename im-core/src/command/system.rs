//! Looking at and changing the settings of the system.

use serde::{Deserialize, Serialize};

use crate::SettingGroups;

/// What the settings are.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GetSystemSettings {}

/// Changes settings on all nodes, without a restart of any.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeSystemSettings {
    /// Only while this is the version; whatever it is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What to change, by group and name. Null takes a change back: what the host configured holds again.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub changes: SettingGroups,
}

/// The settings, as they are on the node that answers.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemSettings {
    /// Of what was changed; 0 where nothing was ever changed.
    pub version: u64,
    /// What holds.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub holding: SettingGroups,
    /// What this node was configured with.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub configured: SettingGroups,
    /// What was changed, on all nodes.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub changed: SettingGroups,
}
