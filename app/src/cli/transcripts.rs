//! `tubeatlas transcripts`

use std::process::ExitCode;

use clap::Subcommand;
use tubeatlas_domain::{LanguageTag, Transcript, TranscriptId, TranscriptSummary, VideoId};
use tubeatlas_ports::{Stored, TranscriptFilter, TranscriptOrder};

use super::Context;
use super::list::{Deleted, Paging, WithDeleted, get, list, word};
use super::output::{Destination, one_line, time};
use crate::captions::{self, CaptionFormat};
use crate::error::AppError;

#[derive(Debug, Subcommand)]
pub(super) enum Transcripts {
    /// List them, without what was said
    List {
        /// Only those of this video
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        video: Option<VideoId>,
        /// Only those in this language; en takes in en-US
        #[arg(long, value_name = "TAG")]
        language: Option<LanguageTag>,
        #[command(flatten)]
        deleted: Deleted,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show what was said
    Show {
        /// The video
        #[arg(value_name = "VIDEO")]
        #[arg(allow_hyphen_values = true)]
        video_id: VideoId,
        /// The language, exactly as the list shows it
        language: LanguageTag,
        #[command(flatten)]
        with_deleted: WithDeleted,
    },
    /// Write it as captions, to stdout or into a file
    Export {
        /// The video
        #[arg(value_name = "VIDEO", allow_hyphen_values = true)]
        video_id: VideoId,
        /// The language, exactly as the list shows it
        language: LanguageTag,
        /// The format: WebVTT, SubRip, the words alone, or json3; vtt and json say language and kind
        #[arg(long = "as", value_name = "vtt|srt|txt|json", value_parser = word::<CaptionFormat>)]
        form: CaptionFormat,
        #[command(flatten)]
        destination: Destination,
        #[command(flatten)]
        with_deleted: WithDeleted,
    },
}

impl Transcripts {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let output = context.output;
        context
            .with_catalogue(async |store| match self {
                Self::List { video, language, deleted, paging } => {
                    let visibility = deleted.visibility();
                    let filter = TranscriptFilter { video_id: video, language, visibility };
                    let wanted = (TranscriptOrder::Id, paging);
                    list(output, store.transcripts(), &filter, wanted, |it| it, line).await
                }
                Self::Show { video_id, language, with_deleted } => {
                    let id = TranscriptId { video_id, language };
                    let transcript = get(store.transcripts(), &id, with_deleted.visibility()).await?;
                    output.show(&transcript, text)?;
                    Ok(ExitCode::SUCCESS)
                }
                Self::Export { video_id, language, form, destination, with_deleted } => {
                    let id = TranscriptId { video_id, language };
                    let transcript = get(store.transcripts(), &id, with_deleted.visibility()).await?;
                    let file = captions::write(&transcript, form);
                    destination.write(&file.text)?;
                    if file.altered > 0 {
                        output.note(&format!(
                            "note: of {} cues empty lines, blanks at the ends of lines, or all for lack of text, were \
                             left out: captions cannot hold them",
                            file.altered
                        ));
                    }
                    Ok(ExitCode::SUCCESS)
                }
            })
            .await
    }
}

fn line(transcript: &Stored<TranscriptSummary>) -> String {
    let TranscriptSummary { video_id, language, cue_count, text_bytes, .. } = &transcript.entity;
    let kind = format!("{:?}", transcript.kind).to_lowercase();
    format!("{video_id}  {language:<10}  {kind:<10}  {cue_count:>6} cues  {text_bytes:>8} bytes")
}

fn text(transcript: &Stored<Transcript>) -> String {
    let cues = transcript.cues.iter();
    cues.map(|cue| format!("{:>8}  {}\n", time(cue.start_ms), one_line(&cue.text))).collect()
}
