//! Who published a video, as its document tells.

use tubeatlas_domain::{
    Channel, ChannelFields, ChannelId, MAX_CHANNEL_TITLE_BYTES, MAX_HANDLE_BYTES, MAX_TEXT_ID_BYTES,
};

use crate::address;
use crate::fields::{Fields, TooLong};

/// What stands before a name that serves as the id of a channel, because the document has no id of it.
pub(crate) const NAME_PREFIX: &str = "uploader:";

/// The channel that a document names. Its id is the first that is there of
/// 1. `channel_id`;
/// 2. what follows `/channel/` in `channel_url` or `uploader_url`, which is the same;
/// 3. `uploader_id`, which was a name in older documents and is a handle in newer ones;
/// 4. the last part of these addresses: `https://youtube.com/user/somebody`;
/// 5. the name of the channel or uploader behind [`NAME_PREFIX`].
///
/// `None` if it names none.
pub(crate) fn read(fields: &mut Fields) -> Option<Channel> {
    let channel = name(fields, "channel");
    let uploader = name(fields, "uploader");
    let handle = name(fields, "uploader_id")
        .filter(|id| id.starts_with('@') && id.len() <= MAX_HANDLE_BYTES && !address::is_in(id));
    let urls = ["channel_url", "uploader_url"].map(|field| fields.url(field));
    let in_urls = |part: fn(&str) -> Option<&str>| {
        let parts = urls.iter().flatten().filter_map(|url| part(url));
        parts.filter(|id| !address::is_in(id)).find_map(|id| ChannelId::parse(id).ok())
    };
    let by_name = || {
        let name = channel.as_ref().or(uploader.as_ref())?;
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        let room = MAX_TEXT_ID_BYTES - NAME_PREFIX.len();
        let name = name[..name.floor_char_boundary(room)].trim();
        if name.is_empty() { None } else { ChannelId::parse(format!("{NAME_PREFIX}{name}")).ok() }
    };
    let id = id(fields, "channel_id")
        .or_else(|| in_urls(behind_channel))
        .or_else(|| id(fields, "uploader_id"))
        .or_else(|| in_urls(last_part))
        .or_else(by_name)?;
    let [channel_url, uploader_url] = urls;
    let url = channel_url.or(uploader_url);
    let title = channel.or(uploader).unwrap_or_default();
    match Channel::new(ChannelFields { id, title, handle, url }) {
        Ok(channel) => Some(channel),
        Err(error) => {
            fields.warn(format!("{error}; the channel is left out"));
            None
        }
    }
}

/// The parts of an address's path.
fn parts(url: &str) -> impl Iterator<Item = &str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.split('/').skip(3).filter(|part| !part.is_empty())
}

fn behind_channel(url: &str) -> Option<&str> {
    let mut parts = parts(url);
    parts.find(|part| *part == "channel")?;
    parts.next()
}

fn last_part(url: &str) -> Option<&str> {
    parts(url).last()
}

fn name(fields: &mut Fields, field: &str) -> Option<String> {
    fields.text(field, MAX_CHANNEL_TITLE_BYTES, TooLong::Cut).filter(|name| !name.trim().is_empty())
}

fn id(fields: &mut Fields, field: &str) -> Option<ChannelId> {
    let text = fields.text(field, usize::MAX, TooLong::LeaveOut)?;
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if address::is_in(text) {
        fields.warn(format!("{field}: is an address and no id; left out"));
        return None;
    }
    match ChannelId::parse(text) {
        Ok(id) => Some(id),
        Err(error) => {
            fields.leave_out(field, &format!("is no id ({})", error.problem()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::path::Path;

    fn channel(document: Value) -> Option<(String, String, Option<String>, Option<String>)> {
        let Value::Object(map) = document else { panic!("no object") };
        let channel = read(&mut Fields::new(Path::new("d"), map))?.into_fields();
        Some((channel.id.into(), channel.title, channel.handle, channel.url))
    }

    #[test]
    fn documents_of_every_age_name_their_channel() {
        let text = |text: &str| Some(text.to_owned());
        for (document, expected) in [
            (
                json!({"channel_id": "UC1", "channel": "C", "uploader": "U", "uploader_id": "@c",
                    "channel_url": "https://y.com/channel/UC1", "uploader_url": "https://y.com/@c"}),
                Some(("UC1", "C", text("@c"), text("https://y.com/channel/UC1"))),
            ),
            (
                json!({"uploader": "U", "uploader_id": "UC2", "uploader_url": "http://y.com/u"}),
                Some(("UC2", "U", None, text("http://y.com/u"))),
            ),
            (
                json!({"uploader": " Some\u{7}body "}),
                Some(("uploader:Somebody", " Some\u{7}body ", None, None)),
            ),
            (
                json!({"uploader": "U", "uploader_id": "bob", "uploader_url": "http://y.com/channel/UC4/videos?x"}),
                Some(("UC4", "U", None, text("http://y.com/channel/UC4/videos?x"))),
            ),
            (
                json!({"uploader": "U", "uploader_id": "bob", "uploader_url": "http://y.com/user/bobby"}),
                Some(("bob", "U", None, text("http://y.com/user/bobby"))),
            ),
            (
                json!({"uploader": "U", "uploader_url": "http://y.com/user/bobby/"}),
                Some(("bobby", "U", None, text("http://y.com/user/bobby/"))),
            ),
            (
                json!({"uploader": "U", "uploader_url": "http://y.com/"}),
                Some(("uploader:U", "U", None, text("http://y.com/"))),
            ),
            (json!({"channel": "C", "uploader": "U"}), Some(("uploader:C", "C", None, None))),
            (json!({"channel_id": "UC3"}), Some(("UC3", "", None, None))),
            (json!({"channel_id": "a\nb", "uploader": "U"}), Some(("uploader:U", "U", None, None))),
            (json!({"channel_id": 7, "uploader_id": "", "uploader": " "}), None),
            (json!({}), None),
        ] {
            let expected =
                expected.map(|(id, title, handle, url)| (id.to_owned(), title.to_owned(), handle, url));
            assert_eq!(channel(document.clone()), expected, "{document}");
        }
    }

    #[test]
    fn a_name_too_long_for_an_id_is_cut() {
        let (id, title, ..) = channel(json!({"uploader": "é".repeat(400)})).unwrap();
        assert!(id.len() <= MAX_TEXT_ID_BYTES && id.ends_with('é'));
        assert_eq!(title.len(), 800);
    }
}
