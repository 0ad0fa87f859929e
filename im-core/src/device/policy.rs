//! How many devices of a class a user may use at a time.

use serde::{Deserialize, Serialize};

use super::DeviceClass;

/// What happens when a device opens a session while another device of its class has one. The same device that comes again
/// takes the place of its own session, whatever is said here.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Both stay.
    #[default]
    Any,
    /// The new one stays; the other is told that it was displaced, and does not come back by itself.
    One,
    /// The other stays; the new one is refused as [`Code::DeviceLimit`](crate::Code::DeviceLimit).
    Refuse,
}

/// What is admitted of each class. Default: any number of every class, because nothing else suits everybody.
///
/// A class is what the device says that it is: this keeps honest clients apart, and is no protection against others.
/// Sessions are counted in this process.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of DeviceClass")]
pub struct LoginPolicy {
    pub android: Admission,
    pub bot: Admission,
    pub desktop: Admission,
    pub ios: Admission,
    pub other: Admission,
    pub tablet: Admission,
    pub web: Admission,
}

impl LoginPolicy {
    /// What is admitted of a class.
    #[must_use]
    pub const fn of(&self, class: DeviceClass) -> Admission {
        match class {
            DeviceClass::Android => self.android,
            DeviceClass::Bot => self.bot,
            DeviceClass::Desktop => self.desktop,
            DeviceClass::Ios => self.ios,
            DeviceClass::Other => self.other,
            DeviceClass::Tablet => self.tablet,
            DeviceClass::Web => self.web,
        }
    }
}
