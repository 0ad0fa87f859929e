//! The OpenAPI document: collected from the handlers, completed with what is true of all of them.

use axum::{
    Extension,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use im_core::ForwardedItem;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        ContentBuilder, InfoBuilder, OpenApi, PathItem, Ref, ResponseBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Routes, problem::Problem};

const DESCRIPTION: &str = "Messaging over HTTP: every command of the engine as a route. Live delivery is on /v1/ws, and on /v1/events and /v1/updates without a WebSocket.\n\n\
    Ids are strings, seqs whole numbers below 2^53, times whole milliseconds since 1970. Unknown fields are ignored. \
    Where a write takes an Idempotency-Key, repeat it with the same key as often as you like: it happens once. PUT, PATCH \
    and DELETE without one may be repeated as they are. A repeated POST to /v1/sessions, /v1/tickets or \
    /v1/users/{user}/tokens gives one more of what it gives. \
    Back ends use a server key as bearer token and name the user that they act for in the header Im-User.";

/// Completes the document that the handlers made.
pub(super) fn document(mut routes: Routes) -> Routes {
    let document = routes.get_openapi_mut();
    document.info = InfoBuilder::new()
        .title("im-server")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    document.security = Some(vec![SecurityRequirement::new(
        "bearer",
        Vec::<String>::new(),
    )]);
    let components = document.components.get_or_insert_default();
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    // A content can hold others, which the collector does not follow.
    components
        .schemas
        .insert(ForwardedItem::name().into_owned(), ForwardedItem::schema());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token, or a server key."))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    complete_operations(document);
    routes
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(openapi))
}

/// The document as text, written once.
#[derive(Clone)]
pub(super) struct Text(Bytes);

impl Text {
    pub(super) fn of(document: &OpenApi) -> Self {
        let text = document.to_json().expect("an OpenAPI document is JSON");
        Self(text.into())
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "server", security(()), responses((status = 200, body = Object)))]
async fn openapi(Extension(Text(text)): Extension<Text>) -> Response {
    let kind = (
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    ([kind], text).into_response()
}

fn complete_operations(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let PathItem {
            get,
            put,
            post,
            patch,
            delete,
            ..
        } = item;
        for operation in [get, put, post, patch, delete].into_iter().flatten() {
            add_problem(operation);
        }
    }
}

fn add_problem(operation: &mut Operation) {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .build();
    let response = ResponseBuilder::new()
        .description("Refused.")
        .content("application/problem+json", content)
        .build();
    let responses = &mut operation.responses.responses;
    responses.insert("default".to_owned(), response.into());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value;

    use crate::rest::{resources, table::ROUTES};

    fn json() -> Value {
        let (_, document) = super::document(resources()).split_for_parts();
        serde_json::from_str(&document.to_json().unwrap()).unwrap()
    }

    #[test]
    fn the_document_is_openapi_3_1() {
        let document = json();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        assert_eq!(document["info"]["title"], "im-server");
    }

    #[test]
    fn every_door_is_a_documented_operation() {
        let document = json();
        for door in ROUTES {
            let operation = &document["paths"][door.path][door.verb.to_lowercase()];
            assert!(operation.is_object(), "{} {}", door.verb, door.path);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|field| references(field, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let document = json();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_documents_problems() {
        let document = json();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (verb, operation) in item.as_object().unwrap() {
                assert!(
                    operation["responses"]["default"].is_object(),
                    "{verb} {path}"
                );
            }
        }
    }
}
