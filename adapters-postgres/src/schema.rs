//! The tables, as the migrations make them. A test compares the two. (`passages.words` is written and asked in SQL
//! alone: Diesel has no such type.)

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
        cues -> Text,
    }
}

diesel::table! {
    knowledge_graphs (id) {
        id -> Uuid,
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
        id -> Uuid,
        kind -> Text,
        target -> Nullable<Text>,
        status -> Text,
        progress -> Integer,
        attempts -> Integer,
        max_attempts -> Integer,
        available_at -> BigInt,
        lease_token -> Nullable<Uuid>,
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
        id -> Uuid,
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
    media_file_words (word, media_file_id) { word -> Text, media_file_id -> Uuid, }
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
        videos -> Array<Text>,
    }
}

diesel::table! {
    passages (id) {
        id -> BigInt,
        video_id -> Text,
        language -> Nullable<Text>,
        ordinal -> Integer,
        tokens -> Text,
    }
}

diesel::table! {
    search_index (id) {
        id -> Integer,
        version -> BigInt,
    }
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
    passages,
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tubeatlas_postgres_cluster::Cluster;

    use crate::{DatabaseUrl, PostgresConfig, migrate};

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
    async fn migrated() -> BTreeMap<String, Vec<String>> {
        let database = Cluster::shared().unwrap().database().unwrap();
        migrate(&PostgresConfig::new(DatabaseUrl::parse(database.url()).unwrap())).await.unwrap();
        let (client, connection) =
            tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let columns = "SELECT table_name::text, column_name::text, is_nullable = 'YES', data_type::text
            FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'
            ORDER BY table_name, ordinal_position";
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in client.query(columns, &[]).await.unwrap() {
            let (table, column, nullable, sql): (String, String, bool, &str) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            let diesel = match sql {
                "text" => "Text",
                "bigint" => "BigInt",
                "integer" => "Integer",
                "uuid" => "Uuid",
                "bytea" => "Binary",
                "ARRAY" => "Array<Text>",
                other => other,
            };
            let diesel = if nullable { format!("Nullable<{diesel}>") } else { diesel.to_owned() };
            tables.entry(table).or_default().push(format!("{column} -> {diesel}"));
        }
        tables
    }

    /// What is added by a migration must be added here.
    #[tokio::test]
    async fn the_tables_are_what_the_migrations_make() {
        let mut found = migrated().await;
        let passages = found.get_mut("passages").unwrap();
        assert_eq!(passages.pop().unwrap(), "words -> tsvector"); // of which Diesel knows nothing
        assert_eq!(written(), found);
    }
}
