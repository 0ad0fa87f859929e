//! How many devices of a class a user may use at a time.

use serde::{Deserialize, Serialize};

use super::DeviceClass;
use crate::DeviceId;

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

/// What becomes of a session when a device of the same user opens one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Meeting {
    /// Both stay.
    Both,
    /// The new one takes the place of the other.
    Displaces,
    /// The new one is refused.
    Refused,
}

impl Admission {
    /// What becomes of another session, wherever it is, when a device opens one.
    pub(crate) fn meets(
        self,
        (device, class): (&DeviceId, DeviceClass),
        (other, other_class): (&DeviceId, DeviceClass),
    ) -> Meeting {
        if device == other {
            return Meeting::Displaces;
        }
        if class != other_class {
            return Meeting::Both;
        }
        match self {
            Self::Any => Meeting::Both,
            Self::One => Meeting::Displaces,
            Self::Refuse => Meeting::Refused,
        }
    }
}

/// What is admitted of each class. Default: any number of every class, because nothing else suits everybody.
///
/// A class is what the device says that it is: this keeps honest clients apart, and is no protection against others.
/// Sessions are counted on all nodes, as far as they hear of each other.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_meets_itself_its_class_and_others() {
        let [phone, tablet] = ["phone", "tablet"].map(|id| DeviceId::new(id).unwrap());
        let new = (&phone, DeviceClass::Ios);
        for (admission, itself, its_class) in [
            (Admission::Any, Meeting::Displaces, Meeting::Both),
            (Admission::One, Meeting::Displaces, Meeting::Displaces),
            (Admission::Refuse, Meeting::Displaces, Meeting::Refused),
        ] {
            assert_eq!(admission.meets(new, (&phone, DeviceClass::Web)), itself);
            assert_eq!(admission.meets(new, (&tablet, DeviceClass::Ios)), its_class);
            let other_class = admission.meets(new, (&tablet, DeviceClass::Tablet));
            assert_eq!(other_class, Meeting::Both, "{admission:?}");
        }
    }
}
