//! What a member may do, as data: a set of permissions for each role, and presets of such sets.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Kind, Role};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        /// Something that a member may be allowed to do.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum Permission {
            $($(#[$doc])* $name,)*
            /// One that a newer peer knows. Gives nothing.
            #[serde(other)]
            Unknown,
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            const fn bit(self) -> u32 {
                match self { $(Self::$name => 1 << $bit,)* Self::Unknown => 0 }
            }
        }
    };
}

permissions! {
    /// Say something.
    Send = 0;
    /// React to messages and vote in polls.
    React = 1;
    /// Pin and unpin messages.
    Pin = 2;
    /// Call everybody at once.
    MentionAll = 3;
    /// Add users.
    AddMembers = 4;
    /// Remove and ban members of a lower role, and lift bans.
    RemoveMembers = 5;
    /// Change name, picture, description, and how long messages stay.
    ChangeInfo = 6;
    /// Change the announcement.
    Announce = 7;
    /// Recall and expire what others of a lower or the same role said.
    RecallOthers = 8;
    /// Silence members of a lower role, or everybody, and set the slow mode.
    Mute = 9;
    /// Decide who gets in: requests, invite links, the way of joining.
    Admit = 10;
    /// Make members of a lower role admins and back.
    ChangeRoles = 11;
    /// Hand the conversation over to another member.
    Transfer = 12;
    /// End the conversation for everybody.
    Dismiss = 13;
    /// Change what the roles may do.
    ChangePermissions = 14;
    /// See who the members are, and who has read what.
    ListMembers = 15;
    /// Change the nickname of another member of a lower role.
    RenameMembers = 16;
    /// Say something while everybody is silenced, and without waiting in slow mode.
    SpeakFreely = 17;
}

/// A set of permissions. On the wire: their names.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Permissions(u32);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);

    /// These.
    #[must_use]
    pub const fn of(list: &[Permission]) -> Self {
        let (mut bits, mut place) = (0, 0);
        while place < list.len() {
            bits |= list[place].bit();
            place += 1;
        }
        Self(bits)
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of them is `permission`.
    #[must_use]
    pub const fn allow(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// All of them, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.iter().copied();
        all.filter(move |permission| self.allow(*permission))
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&Vec::<Permission>::deserialize(deserializer)?))
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Permissions {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <Vec<Permission> as utoipa::PartialSchema>::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Permissions {}

/// What each role may do.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RolePermissions {
    /// Members.
    pub member: Permissions,
    /// Admins.
    pub admin: Permissions,
    /// The owner.
    pub owner: Permissions,
}

impl RolePermissions {
    /// What a role may do.
    #[must_use]
    pub const fn of(&self, role: Role) -> Permissions {
        match role {
            Role::Member => self.member,
            Role::Admin => self.admin,
            Role::Owner => self.owner,
        }
    }

    /// Changes what a role may do.
    pub const fn set(&mut self, role: Role, permissions: Permissions) {
        match role {
            Role::Member => self.member = permissions,
            Role::Admin => self.admin = permissions,
            Role::Owner => self.owner = permissions,
        }
    }
}

/// Sets of permissions that fit a purpose.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Preset {
    /// Few write, many read: members react, admins and the owner write. Members do not see each other.
    Channel,
    /// A large group with order: as a public group, and members cannot pin or call everybody.
    Community,
    /// Two people who are equal. Nobody else gets in.
    Direct,
    /// Strangers talk: members write and react, admins keep order.
    PublicGroup,
    /// Colleagues who trust each other: members also pin, and call everybody.
    #[default]
    WorkGroup,
}

use Permission as P;

const TALK: Permissions = Permissions::of(&[P::Send, P::React, P::ListMembers]);
const ORDER: Permissions = Permissions::of(&[
    P::Send,
    P::React,
    P::ListMembers,
    P::Pin,
    P::MentionAll,
    P::AddMembers,
    P::RemoveMembers,
    P::ChangeInfo,
    P::Announce,
    P::RecallOthers,
    P::Mute,
    P::Admit,
    P::RenameMembers,
    P::SpeakFreely,
]);
const OWN: Permissions = ORDER.and(Permissions::of(&[
    P::ChangeRoles,
    P::Transfer,
    P::Dismiss,
    P::ChangePermissions,
]));

impl Preset {
    /// What each role may do.
    #[must_use]
    pub const fn permissions(self) -> RolePermissions {
        let member = match self {
            Self::Channel => Permissions::of(&[P::React]),
            Self::Community | Self::PublicGroup => TALK,
            Self::Direct => TALK.and(Permissions::of(&[P::Pin, P::ChangeInfo])),
            Self::WorkGroup => TALK.and(Permissions::of(&[P::Pin, P::MentionAll])),
        };
        RolePermissions {
            member,
            admin: ORDER,
            owner: OWN,
        }
    }

    /// The one for a kind when none is asked for.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Channel => Self::Channel,
            Kind::Direct | Kind::Personal => Self::Direct,
            Kind::Group => Self::WorkGroup,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_has_a_bit_of_its_own() {
        let all = Permissions::of(Permission::ALL);
        assert_eq!(all.iter().count(), Permission::ALL.len());
        assert_eq!(all.0.count_ones() as usize, Permission::ALL.len());
    }

    #[test]
    fn a_set_is_the_names_on_the_wire_and_unknown_ones_give_nothing() {
        let text = r#"["send","pin","time_travel"]"#;
        let set: Permissions = serde_json::from_str(text).unwrap();
        assert_eq!(set, Permissions::of(&[P::Send, P::Pin]));
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["send","pin"]"#);
    }

    #[test]
    fn a_higher_role_may_no_less_than_a_lower_one() {
        for preset in [
            Preset::Channel,
            Preset::Community,
            Preset::PublicGroup,
            Preset::WorkGroup,
        ] {
            let RolePermissions {
                member,
                admin,
                owner,
            } = preset.permissions();
            assert_eq!(member.and(admin), admin, "{preset:?}");
            assert_eq!(admin.and(owner), owner, "{preset:?}");
        }
    }
}
