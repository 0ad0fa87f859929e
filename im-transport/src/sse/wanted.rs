//! What a request for events says: who is there, on which device.

use hyper::HeaderMap;
use im_core::{Code, DeviceClass, DeviceId, OpenSession, Rejection};

use crate::ws::bearer;

/// A device that wants a session.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) open: OpenSession,
    /// A ticket of the query, or the token of the header.
    pub(super) token: Option<Box<str>>,
}

impl Wanted {
    /// Reads `device`, `class` and `ticket` of the query, and the token of `Authorization: Bearer`.
    pub(super) fn read(query: Option<&str>, headers: &HeaderMap) -> Result<Self, Rejection> {
        let refused = |detail: String| Rejection::new(Code::InvalidRequest, detail);
        let mut device = None;
        let mut class = DeviceClass::default();
        let mut token = bearer(headers).map(Into::into);
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "device" => {
                    let id = DeviceId::new(&*value);
                    device = Some(id.map_err(|error| refused(format!("query: device: {error}")))?);
                }
                "class" => {
                    let name = serde_json::Value::String(value.into_owned());
                    class = serde_json::from_value(name)
                        .map_err(|error| refused(format!("query: class: {error}")))?;
                }
                "ticket" => token = Some(value.into()),
                _ => {}
            }
        }
        let device = device.ok_or_else(|| {
            refused("query: device is missing: name the device, as in ?device=laptop".to_owned())
        })?;
        let open = OpenSession {
            token: None,
            device,
            class,
        };
        Ok(Self { open, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_the_device_its_class_and_a_ticket() {
        let query = "device=my%20phone&class=ios&ticket=imt_x";
        assert!(Wanted::read(Some(query), &HeaderMap::new()).is_err());

        let query = "device=phone&class=ios&ticket=imt_x&else=1";
        let wanted = Wanted::read(Some(query), &HeaderMap::new()).unwrap();

        assert_eq!(wanted.open.device.as_str(), "phone");
        assert_eq!(wanted.open.class, DeviceClass::Ios);
        assert_eq!(wanted.token.as_deref(), Some("imt_x"));
    }

    #[test]
    fn a_device_must_be_named() {
        for query in [None, Some("class=web"), Some("device=")] {
            let refused = Wanted::read(query, &HeaderMap::new()).unwrap_err();
            assert_eq!(refused.code, Code::InvalidRequest, "{query:?}");
        }
    }

    #[test]
    fn a_token_comes_with_the_header() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer abc".parse().unwrap());

        let wanted = Wanted::read(Some("device=phone"), &headers).unwrap();

        assert_eq!(wanted.token.as_deref(), Some("abc"));
        assert_eq!(wanted.open.class, DeviceClass::Other);
    }
}
