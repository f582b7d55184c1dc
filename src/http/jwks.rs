//! `GET /.well-known/jwks.json`: the public halves of our signing keys, for Prelude.

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::{Server, answer};

/// Answers GET and HEAD, 304 to a reader that has this very set already.
pub(super) async fn jwks(request: HttpRequest, server: Data<Server>) -> HttpResponse {
    let counted = server.limits.key_set_request(&request, server.app.now());
    answer(&request, counted.map(|()| set(&request, &server)))
}

fn set(request: &HttpRequest, server: &Server) -> HttpResponse {
    let set = server.app.jwks();
    let known =
        request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // A key is published long enough before it signs that Prelude and whoever stands in between have it by then
    // (docs/CONTRACT.md C7).
    let may_be_kept = format!("public, max-age={}", server.app.jwks_max_age_seconds());
    let mut response =
        if matches_etag(known, set.etag()) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, set.etag())).insert_header((CACHE_CONTROL, may_be_kept));
    if matches_etag(known, set.etag()) {
        response.finish()
    } else {
        response.content_type("application/json").body(set.body().to_owned())
    }
}

/// RFC 9110 §13.1.2: a list of tags, weak ones included, or `*`.
fn matches_etag(header: &str, etag: &str) -> bool {
    header.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_matches_alone_in_a_list_and_weakly() {
        for header in ["\"a\"", "\"x\", \"a\"", "W/\"a\"", "*"] {
            assert!(matches_etag(header, "\"a\""), "{header}");
        }
        for header in ["", "\"b\"", "a"] {
            assert!(!matches_etag(header, "\"a\""), "{header}");
        }
    }
}
