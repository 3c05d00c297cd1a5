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
    passages (id) {
        id -> BigInt,
        video_id -> Text,
        language -> Nullable<Text>,
        ordinal -> Integer,
        tokens -> Text,
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
    passages,
);
