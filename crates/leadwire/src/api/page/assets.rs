//! Style and scripts of the pages, under names that change with what is in them.

use crate::secrets::short_hash;
use leadwire_core::hex;
use std::sync::LazyLock;

/// A file that pages refer to.
pub(super) struct Asset {
    pub(super) path: String,
    pub(super) kind: &'static str,
    pub(super) text: &'static str,
}

pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    asset("page", "css", "text/css; charset=utf-8", include_str!("../../../assets/page.css"))
});
pub(super) static FRAME_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    asset("frame", "js", "text/javascript; charset=utf-8", include_str!("../../../assets/frame.js"))
});
/// What another page runs to hold a form; it is completed for each offer.
pub(super) const EMBED_SCRIPT: &str = include_str!("../../../assets/embed.js");

fn asset(name: &str, ending: &str, kind: &'static str, text: &'static str) -> Asset {
    let hash = short_hash(&[text.as_bytes()]);
    let hash = hex::encode(&hash[..6]);
    Asset { path: format!("/assets/{name}-{hash}.{ending}"), kind, text }
}

/// The file with a name.
pub(super) fn find(name: &str) -> Option<&'static Asset> {
    let all: [&'static Asset; 2] = [&STYLE, &FRAME_SCRIPT];
    all.into_iter().find(|it| it.path.strip_prefix("/assets/") == Some(name))
}
