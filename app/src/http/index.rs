//! `GET /`: what this is, for a person who came by.

use axum::response::Html;

pub(super) async fn index() -> Html<&'static str> {
    Html(include_str!("index.html"))
}
