//! What becomes of settings when an admin changes some, and what limits can be changed to.

use serde_json::{Map, Value};

use crate::{Code, Limits, Rejection, SettingGroups};

/// What a setting can be.
#[derive(Clone, Copy)]
enum Bound {
    /// From, up to.
    Between(u64, u64),
    /// The same, and 0 for: not limited.
    Off(u64),
    Switch,
}

use Bound::{Between, Off, Switch};

/// The longest span: ten years.
const LONG: u64 = 315_360_000_000;
/// Bytes of a content: half of the largest frame, so that it fits with everything around it.
const CONTENT: u64 = 256 * 1024;

/// Every limit that can be changed. A host may configure what it likes; these are the bounds of a change.
const BOUNDS: &[(&str, Bound)] = &[
    ("text_chars", Between(1, CONTENT)),
    ("content_bytes", Between(1_024, CONTENT)),
    ("group_members", Between(2, 1_000_000)),
    ("users_per_request", Between(1, 10_000)),
    ("page", Between(1, 1_000)),
    ("page_bytes", Between(4_096, 16 * 1024 * 1024)),
    ("conversations_per_user", Between(1, 100_000)),
    ("interests", Between(0, 100)),
    // As much as the shortest column for names takes.
    ("name_chars", Between(1, 250)),
    ("text_field_chars", Between(1, 20_000)),
    ("presence_subscriptions", Between(0, 100_000)),
    ("search_chars", Between(1, 1_000)),
    ("search_steps", Between(1, 10_000)),
    ("blocks_per_user", Between(0, 100_000)),
    ("scheduled_per_user", Between(0, 10_000)),
    ("schedule_ahead_ms", Between(1_000, LONG)),
    ("contacts_per_user", Between(0, 100_000)),
    ("contact_requests", Between(0, 10_000)),
    ("contact_request_ms", Between(60_000, LONG)),
    ("greeting_chars", Between(0, 2_000)),
    ("labels_per_contact", Between(0, 100)),
    ("follows_per_user", Between(0, 100_000)),
    ("favourites_per_user", Between(0, 100_000)),
    ("notices_per_user", Between(1, 10_000)),
    ("notices_to_all", Between(0, 1_000)),
    ("notice_bytes", Between(256, 65_536)),
    ("notice_ms", Between(60_000, LONG)),
    ("reports_per_user", Between(0, 1_000)),
    ("report_messages", Between(1, 500)),
    ("report_note_chars", Between(0, 20_000)),
    ("mentions", Between(0, 1_000)),
    ("messages_per_request", Between(1, 1_000)),
    ("pins", Between(0, 1_000)),
    ("reactions", Between(0, 1_000)),
    ("reaction_wait_ms", Between(0, 60_000)),
    ("poll_options", Between(2, 100)),
    ("span_ms", Between(60_000, LONG)),
    ("invites", Between(0, 1_000)),
    ("join_requests", Between(0, 100_000)),
    ("strangers_send_one", Switch),
    ("recall_ms", Between(0, LONG)),
    ("edit_ms", Between(0, LONG)),
    ("typing_ms", Between(1_000, 60_000)),
    ("receipt_push_members", Between(0, 10_000)),
    ("counted_readers", Between(0, 10_000)),
    ("sends_per_second", Off(100_000)),
    ("requests_per_second", Off(100_000)),
    ("deltas_per_second", Off(100_000)),
    ("devices_per_user", Between(1, 10_000)),
    ("streams_per_user", Between(0, 1_000)),
    ("stream_idle_ms", Between(1_000, 3_600_000)),
    ("stream_ms", Between(1_000, 86_400_000)),
    ("stream_push_ms", Between(0, 10_000)),
    ("unread_wait_ms", Between(0, 60_000)),
    ("audit_ms", Between(86_400_000, 10 * LONG)),
    ("lane_waiting", Between(1, 1_000_000)),
    ("store_wait_ms", Between(0, 60_000)),
    ("node_waiting", Between(1, 1_000_000)),
    ("coalesce_ms", Between(0, 10_000)),
];

/// The limits that can be changed, as settings. A rate that is not limited is 0.
pub(crate) fn adjustable(limits: &Limits) -> Map<String, Value> {
    let all = as_map(limits);
    let value = |name| match all.get(name) {
        None | Some(Value::Null) => Value::from(0),
        Some(value) => value.clone(),
    };
    let names = BOUNDS.iter().map(|(name, _)| *name);
    names.map(|name| (name.to_owned(), value(name))).collect()
}

/// Limits with these settings.
///
/// # Errors
/// A sentence that names a setting that cannot be, and its bounds. What is as it was configured is not judged.
pub(crate) fn adjusted(configured: &Limits, to: &Map<String, Value>) -> Result<Limits, String> {
    let before = adjustable(configured);
    let mut all = as_map(configured);
    let is_changed = |name: &str| before.get(name) != to.get(name);
    for (name, bound) in BOUNDS {
        let Some(value) = to.get(*name).filter(|_| is_changed(name)) else {
            continue;
        };
        bound.check(name, value)?;
        let is_off = matches!(bound, Off(_)) && value.as_u64() == Some(0);
        let value = if is_off { Value::Null } else { value.clone() };
        all.insert((*name).to_owned(), value);
    }
    let limits: Limits =
        serde_json::from_value(Value::Object(all)).map_err(|error| error.to_string())?;
    let is_text = is_changed("text_chars") || is_changed("content_bytes");
    if is_text && limits.text_chars > limits.content_bytes {
        return Err(format!(
            "text_chars is at most content_bytes, which is {}",
            limits.content_bytes
        ));
    }
    Ok(limits)
}

impl Bound {
    fn check(self, name: &str, value: &Value) -> Result<(), String> {
        let (least, most, unlimited) = match self {
            Between(least, most) => (least, most, ""),
            Off(most) => (0, most, "; 0 switches it off"),
            Switch if value.is_boolean() => return Ok(()),
            Switch => return Err(format!("{name} is true or false")),
        };
        let is_in = |n: u64| (least..=most).contains(&n);
        if value.as_u64().is_some_and(is_in) {
            return Ok(());
        }
        Err(format!(
            "{name} is a whole number from {least} to {most}{unlimited}"
        ))
    }
}

fn as_map(limits: &Limits) -> Map<String, Value> {
    let Ok(Value::Object(map)) = serde_json::to_value(limits) else {
        return Map::new();
    };
    map
}

/// What is changed after further changes.
///
/// # Errors
/// When a group or a setting is none of those that can be changed.
pub(crate) fn changed(
    configured: &SettingGroups,
    before: &SettingGroups,
    changes: &SettingGroups,
) -> Result<SettingGroups, Rejection> {
    let mut after = before.clone();
    for (group, values) in changes {
        let Some(known) = configured.get(group) else {
            let detail = format!("changes.{group} is no group of settings; see admin.settings");
            return Err(Rejection::new(Code::InvalidRequest, detail));
        };
        let settings = after.entry(group.clone()).or_default();
        for (name, value) in values {
            if value.is_null() {
                // Also one that a newer node knows.
                settings.remove(name);
            } else if known.contains_key(name) {
                settings.insert(name.clone(), value.clone());
            } else {
                let detail = format!(
                    "changes.{group}.{name} is no setting that can be changed while the server runs; see admin.settings"
                );
                return Err(Rejection::new(Code::InvalidRequest, detail));
            }
        }
    }
    after.retain(|_, settings| !settings.is_empty());
    Ok(after)
}

/// What holds of a group. What only a newer node knows is passed over.
pub(crate) fn holding(
    configured: &Map<String, Value>,
    changed: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let mut all = configured.clone();
    for (name, value) in changed.into_iter().flatten() {
        if let Some(place) = all.get_mut(name) {
            *place = value.clone();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(changes: Value) -> Result<Limits, String> {
        let Value::Object(changes) = changes else {
            panic!("{changes} is no object");
        };
        let configured = Limits::default();
        let to = holding(&adjustable(&configured), Some(&changes));
        adjusted(&configured, &to)
    }

    fn groups(value: Value) -> SettingGroups {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_limit_can_be_changed_but_what_is_read_at_the_start() {
        let all = as_map(&Limits::default());
        let fixed = all.keys().filter(|name| {
            let name = name.as_str();
            !BOUNDS.iter().any(|(bound, _)| *bound == name)
        });

        assert_eq!(fixed.collect::<Vec<_>>(), ["idle_conversations"]);
        assert_eq!(BOUNDS.len() + 1, all.len());
    }

    #[test]
    fn each_limit_takes_its_bounds_and_nothing_beyond() {
        for (name, bound) in BOUNDS {
            let (least, most) = match bound {
                Between(least, most) => (*least, *most),
                Off(most) => (0, *most),
                Switch => continue,
            };
            // Together with what it must fit into.
            let fitting = |value: u64| match *name {
                "text_chars" => json!({ "text_chars": value, "content_bytes": CONTENT }),
                "content_bytes" => json!({ "content_bytes": value, "text_chars": 1 }),
                name => json!({ name: value }),
            };
            with(fitting(least)).unwrap();
            with(fitting(most)).unwrap();
            let wrong = [
                json!(most + 1),
                json!(-1),
                json!(1.5),
                json!("5"),
                json!(true),
            ];
            for wrong in wrong {
                let refused = with(json!({ *name: wrong })).unwrap_err();
                let bounds = format!("{name} is a whole number from {least} to {most}");
                assert!(refused.starts_with(&bounds), "{refused}");
            }
            if least > 0 {
                assert!(with(json!({ *name: least - 1 })).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn a_text_fits_into_a_content() {
        let refused = with(json!({ "content_bytes": 9_999 })).unwrap_err();
        assert_eq!(
            refused,
            "text_chars is at most content_bytes, which is 9999"
        );

        let both = with(json!({ "content_bytes": 9_999, "text_chars": 9_999 })).unwrap();

        assert_eq!((both.content_bytes, both.text_chars), (9_999, 9_999));
    }

    #[test]
    fn a_rate_of_nothing_is_no_limit_and_a_switch_is_one() {
        let limited = with(json!({ "sends_per_second": 5, "strangers_send_one": true })).unwrap();
        assert_eq!(limited.sends_per_second, Some(5));
        assert!(limited.strangers_send_one);

        let off = with(json!({ "sends_per_second": 0 })).unwrap();
        assert_eq!(off, Limits::default());
        let refused = with(json!({ "strangers_send_one": 1 })).unwrap_err();
        assert_eq!(refused, "strangers_send_one is true or false");
    }

    #[test]
    fn what_a_host_configured_is_not_judged() {
        let configured = Limits {
            content_bytes: 10_000_000,
            page: 5_000,
            ..Limits::default()
        };
        let changes = json!({ "pins": 3 });
        let to = holding(&adjustable(&configured), changes.as_object());

        let limits = adjusted(&configured, &to).unwrap();

        assert_eq!(
            limits,
            Limits {
                pins: 3,
                ..configured
            }
        );
    }

    #[test]
    fn null_takes_a_change_back_and_what_is_unknown_is_refused() {
        let configured = groups(json!({ "limits": { "page": 200, "pins": 50 } }));
        let before = groups(json!({ "limits": { "page": 7, "newer": 1 } }));

        let after = |changes| changed(&configured, &before, &groups(changes));
        let both = json!({ "limits": { "page": null, "pins": 2 } });
        assert_eq!(
            after(both).unwrap(),
            groups(json!({ "limits": { "newer": 1, "pins": 2 } }))
        );
        let none = json!({ "limits": { "page": null, "newer": null } });
        assert_eq!(after(none).unwrap(), SettingGroups::new());
        for (wrong, named) in [
            (json!({ "limit": { "page": 7 } }), "changes.limit "),
            (json!({ "limits": { "pagE": 7 } }), "changes.limits.pagE "),
        ] {
            let refused = after(wrong).unwrap_err();
            assert_eq!(refused.code, Code::InvalidRequest);
            assert!(refused.detail.starts_with(named), "{}", refused.detail);
        }
        assert_eq!(
            holding(&configured["limits"], before.get("limits")),
            groups(json!({ "x": { "page": 7, "pins": 50 } }))["x"]
        );
    }
}
