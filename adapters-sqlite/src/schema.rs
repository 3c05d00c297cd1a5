//! The tables, as the migrations make them. A test compares the two.

diesel::table! {
    store_state (id) { id -> Integer, revision -> BigInt, }
}

diesel::table! {
    search_index (id) { id -> Integer, version -> BigInt, }
}

diesel::table! {
    channels (id) {
        id -> Text,
        title -> Text,
        handle -> Nullable<Text>,
        url -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    videos (id) {
        id -> Text,
        channel_id -> Nullable<Text>,
        title -> Text,
        url -> Nullable<Text>,
        published_at -> Nullable<BigInt>,
        duration_ms -> Nullable<BigInt>,
        view_count -> Nullable<BigInt>,
        like_count -> Nullable<BigInt>,
        dislike_count -> Nullable<BigInt>,
        comment_count -> Nullable<BigInt>,
        category_id -> Nullable<Text>,
        category_name -> Nullable<Text>,
        thumbnail_url -> Nullable<Text>,
        live_status -> Nullable<Text>,
        availability -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        revision -> BigInt,
        tags -> Text,
        chapters -> Text,
        extra -> Text,
        description -> Nullable<Text>,
    }
}

diesel::table! {
    transcripts (video_id, language) {
        video_id -> Text,
        language -> Text,
        kind -> Text,
        cue_count -> BigInt,
        text_bytes -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
        cues -> Binary,
    }
}

diesel::table! {
    knowledge_graphs (id) {
        id -> Binary,
        video_id -> Nullable<Text>,
        channel_id -> Nullable<Text>,
        model -> Nullable<Text>,
        processing_time_ms -> Nullable<BigInt>,
        version -> Integer,
        entity_count -> BigInt,
        relation_count -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
        entities -> Text,
        relations -> Text,
    }
}

diesel::table! {
    processing_tasks (id) {
        id -> Binary,
        kind -> Text,
        target -> Nullable<Text>,
        status -> Text,
        progress -> Integer,
        attempts -> Integer,
        max_attempts -> Integer,
        available_at -> BigInt,
        lease_token -> Nullable<Binary>,
        lease_worker -> Nullable<Text>,
        lease_expires_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        started_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
        payload -> Text,
    }
}

diesel::table! {
    media_files (id) {
        id -> Binary,
        video_id -> Text,
        path -> Text,
        file_name -> Text,
        size_bytes -> Nullable<BigInt>,
        frame_rate_numerator -> Nullable<Integer>,
        frame_rate_denominator -> Nullable<Integer>,
        frame_count -> Nullable<BigInt>,
        width -> Nullable<Integer>,
        height -> Nullable<Integer>,
        video_codec -> Nullable<Text>,
        audio_codec -> Nullable<Text>,
        thumbnail_path -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    media_file_words (word, media_file_id) { word -> Text, media_file_id -> Binary, }
}

diesel::table! {
    source_files (path) {
        path -> Text,
        size_bytes -> BigInt,
        modified_at -> BigInt,
        hash -> Nullable<Binary>,
        reader_version -> BigInt,
        verdict -> Text,
        note -> Nullable<Text>,
        gives_kind -> Nullable<Text>,
        gives_key -> Nullable<Text>,
        memo -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    playlists (id) {
        id -> Text,
        channel_id -> Nullable<Text>,
        title -> Text,
        url -> Nullable<Text>,
        video_count -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        revision -> BigInt,
        description -> Nullable<Text>,
        videos -> Text,
    }
}

diesel::table! {
    playlist_videos (video_id, playlist_id) { video_id -> Text, playlist_id -> Text, }
}

diesel::table! {
    passages (id) {
        id -> BigInt,
        video_id -> Text,
        language -> Nullable<Text>,
        ordinal -> Integer,
    }
}

diesel::table! {
    passages_fts (rowid) { rowid -> BigInt, tokens -> Text, }
}

diesel::joinable!(transcripts -> videos (video_id));
diesel::joinable!(knowledge_graphs -> videos (video_id));
diesel::joinable!(media_files -> videos (video_id));

diesel::allow_tables_to_appear_in_same_query!(
    channels,
    videos,
    transcripts,
    knowledge_graphs,
    processing_tasks,
    media_files,
    media_file_words,
    source_files,
    playlists,
    playlist_videos,
    passages,
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::check::texts;
    use crate::migrations;

    /// Each `table!` of this file: its columns with their types, in order, as they are written above.
    fn written() -> BTreeMap<String, Vec<String>> {
        let mut tables = BTreeMap::new();
        for text in include_str!("schema.rs").split("diesel::table! {").skip(1) {
            let (head, behind) = text.split_once('{').unwrap();
            let (columns, _) = behind.split_once('}').unwrap();
            let columns = columns.split(',').map(str::trim).filter(|column| !column.is_empty());
            let name = head.split_whitespace().next().unwrap();
            tables.insert(name.to_owned(), columns.map(str::to_owned).collect());
        }
        tables.retain(|name, _| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        tables
    }

    /// Each table of the migrated database, as it would be written above.
    fn migrated() -> BTreeMap<String, Vec<String>> {
        let mut connection = migrations::empty().unwrap();
        migrations::run(&mut connection, std::path::Path::new(":memory:")).unwrap();
        let tables = "SELECT name AS value FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'
                      AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'";
        let columns = |table: &str| {
            format!(
                "SELECT name || ' -> ' || iif(\"notnull\", type, 'Nullable<' || type || '>') AS value
                 FROM pragma_table_info('{table}')"
            )
        };
        let tables = texts(&mut connection, tables).unwrap().into_iter();
        tables.map(|table| (table.clone(), texts(&mut connection, &columns(&table)).unwrap())).collect()
    }

    /// What is added by a migration must be added here.
    #[test]
    fn the_tables_are_what_the_migrations_make() {
        let mut found = migrated();
        for (table, columns) in &mut found {
            for column in columns {
                for (sql, diesel) in
                    [("TEXT", "Text"), ("BIGINT", "BigInt"), ("INTEGER", "Integer"), ("BLOB", "Binary")]
                {
                    *column = column.replace(sql, diesel);
                }
                // Where they differ, they do so on purpose.
                match (table.as_str(), column.as_str()) {
                    // A column of the type TEXT takes blobs as they are, and older rows hold text.
                    ("transcripts", "cues -> Text") => *column = "cues -> Binary".to_owned(),
                    // SQLite's own row numbers have 64 bits, whatever the type is called.
                    ("passages", "id -> Integer") => *column = "id -> BigInt".to_owned(),
                    _ => {}
                }
            }
        }
        // The full-text table has no types, and a row number that is not shown.
        let index = vec!["rowid -> BigInt".to_owned(), "tokens -> Text".to_owned()];
        found.insert("passages_fts".to_owned(), index);
        assert_eq!(written(), found);
    }
}
