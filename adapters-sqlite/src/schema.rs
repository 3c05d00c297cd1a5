//! The tables, as the migrations make them. A test compares the two.

diesel::table! {
    store_state (id) { id -> Integer, revision -> BigInt, }
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
    passages,
);

#[cfg(test)]
mod tests {
    use diesel::prelude::*;
    use diesel::sqlite::Sqlite;

    use super::*;
    use crate::connection::TextRow;
    use crate::migrations;

    /// `table!`'s columns and the migrated table's, in order: what is added by a migration must be added here.
    #[test]
    fn the_tables_are_what_the_migrations_make() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        migrations::run(&mut connection, std::path::Path::new(":memory:")).unwrap();
        macro_rules! compare {
            ($($table:ident),*) => {$(
                let select = $table::table.select($table::all_columns);
                let sql = diesel::debug_query::<Sqlite, _>(&select).to_string();
                let ours: Vec<&str> = sql.split('`').skip(3).step_by(4).collect();
                let found: Vec<TextRow> =
                    diesel::sql_query(concat!("SELECT name AS value FROM pragma_table_info('", stringify!($table), "')"))
                        .load(&mut connection)
                        .unwrap();
                let found: Vec<&str> = found.iter().map(|row| row.value.as_str()).collect();
                assert_eq!(ours, found, "{sql}");
            )*};
        }
        compare!(
            store_state,
            channels,
            videos,
            transcripts,
            knowledge_graphs,
            processing_tasks,
            media_files,
            media_file_words,
            passages
        );
    }
}
