//! Reading the entities of a store, and those of a file, in the order of a file.

use std::io::{BufRead, Read};

use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use tubeatlas_domain::{Channel, MediaFile, ProcessingTask, SourceFile, Video};
use tubeatlas_ports::{
    Catalogued, ChannelFilter, ChannelOrder, Error as StoreError, KnowledgeGraphFilter, KnowledgeGraphOrder,
    MediaFileFilter, MediaFileOrder, PageRequest, PlaylistFilter, PlaylistOrder, ProcessingTaskFilter,
    ProcessingTaskOrder, Repositories, Repository, SourceFileFilter, SourceFileOrder, Stored,
    TranscriptFilter, TranscriptOrder, VideoFilter, VideoOrder, Visibility,
};

use super::TransferError;
use super::format::{Entry, HeaderLine, Listed, ORDER, Summary, Summing, TRAILER, TrailerLine, VERSION};

/// How many rows are read at once; of those with long contents fewer.
const PAGE: u32 = 200;
const SHORT_PAGE: u32 = 20;

/// The longest line, in bytes: more than any entity that the domain allows makes.
const MAX_LINE_BYTES: u64 = 256 * 1024 * 1024;

/// All that a store holds.
pub(super) fn stored(from: &dyn Repositories) -> impl Stream<Item = Result<Entry, TransferError>> + '_ {
    let visibility = Visibility::WithDeleted;
    let channels = whole::<Channel>(from.channels(), ChannelFilter {}, ChannelOrder::Id);
    let filter = VideoFilter { visibility, ..Default::default() };
    let videos = whole::<Video>(from.videos(), filter, VideoOrder::Id);
    let filter = TranscriptFilter { visibility, ..Default::default() };
    let transcripts = pages(from.transcripts(), filter, TranscriptOrder::Id, SHORT_PAGE);
    let transcripts = transcripts.and_then(move |page| {
        let ids = page.into_iter().map(|row| tubeatlas_domain::TranscriptId {
            video_id: row.entity.video_id,
            language: row.entity.language,
        });
        contents(from.transcripts(), ids.collect())
    });
    let filter = KnowledgeGraphFilter { visibility, ..Default::default() };
    let graphs = pages(from.knowledge_graphs(), filter, KnowledgeGraphOrder::Oldest, SHORT_PAGE);
    let graphs = graphs.and_then(move |page| {
        contents(from.knowledge_graphs(), page.into_iter().map(|row| row.entity.id).collect())
    });
    let filter = MediaFileFilter { visibility, ..Default::default() };
    let files = whole::<MediaFile>(from.media_files(), filter, MediaFileOrder::Path);
    let filter = ProcessingTaskFilter::default();
    let tasks = whole::<ProcessingTask>(from.processing_tasks(), filter, ProcessingTaskOrder::Oldest);
    let filter = SourceFileFilter::default();
    let sources = whole::<SourceFile>(from.source_files(), filter, SourceFileOrder::Path);
    let filter = PlaylistFilter { visibility, ..Default::default() };
    let playlists = pages(from.playlists(), filter, PlaylistOrder::Id, SHORT_PAGE);
    let playlists = playlists.and_then(move |page| {
        contents(from.playlists(), page.into_iter().map(|row| row.entity.id).collect())
    });
    let pages = channels
        .chain(videos)
        .chain(transcripts)
        .chain(graphs)
        .chain(files)
        .chain(tasks)
        .chain(sources)
        .chain(playlists);
    pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten().map_err(TransferError::Store)
}

/// How many entities [`stored`] gives, as long as nobody writes.
pub(super) async fn size(from: &dyn Repositories) -> Result<u64, StoreError> {
    let visibility = Visibility::WithDeleted;
    let videos = VideoFilter { visibility, ..Default::default() };
    let transcripts = TranscriptFilter { visibility, ..Default::default() };
    let graphs = KnowledgeGraphFilter { visibility, ..Default::default() };
    let files = MediaFileFilter { visibility, ..Default::default() };
    let playlists = PlaylistFilter { visibility, ..Default::default() };
    Ok(from.channels().count(&ChannelFilter {}).await?
        + from.videos().count(&videos).await?
        + from.transcripts().count(&transcripts).await?
        + from.knowledge_graphs().count(&graphs).await?
        + from.media_files().count(&files).await?
        + from.processing_tasks().count(&ProcessingTaskFilter::default()).await?
        + from.source_files().count(&SourceFileFilter::default()).await?
        + from.playlists().count(&playlists).await?)
}

/// The pages of a list.
fn pages<'a, E: Catalogued>(
    from: &'a dyn Repository<E>,
    filter: E::Filter,
    order: E::Order,
    limit: u32,
) -> impl Stream<Item = Result<Vec<Stored<E::Listed>>, StoreError>> + 'a {
    let first = Some((filter, PageRequest { order, limit, after: None }));
    stream::try_unfold(first, move |state| async move {
        let Some((filter, request)) = state else { return Ok(None) };
        let page = from.list(&filter, &request).await?;
        let next = page.next.map(|after| (filter, PageRequest { after: Some(after), ..request }));
        Ok(Some((page.items, next)))
    })
}

/// Entities that a list shows whole.
fn whole<'a, E: Listed + Catalogued<Listed = E>>(
    from: &'a dyn Repository<E>,
    filter: E::Filter,
    order: E::Order,
) -> impl Stream<Item = Result<Vec<Entry>, StoreError>> + 'a {
    pages(from, filter, order, PAGE).map_ok(|page| page.into_iter().map(Entry::of).collect())
}

/// Entities of which a list shows no more than a summary.
async fn contents<E: Listed + Catalogued>(
    from: &dyn Repository<E>,
    ids: Vec<E::Id>,
) -> Result<Vec<Entry>, StoreError> {
    let found = from.get_many(&ids, Visibility::WithDeleted).await?;
    let found = found.into_iter().zip(&ids);
    found.map(|(row, id)| row.map(Entry::of).ok_or_else(|| StoreError::not_found::<E>(id))).collect()
}

/// The entities of a file. What is wrong with the file is found at the line at which it shows: the digest at the last
/// one. So to know that nothing is wrong, read it to its end.
///
/// # Errors
/// [`Version`](TransferError::Version), and [`Damaged`](TransferError::Damaged) if it does not begin as a catalogue
/// does; each item can be `Damaged` too, and is the last one then.
pub fn entries(
    file: impl BufRead,
) -> Result<impl Iterator<Item = Result<Entry, TransferError>>, TransferError> {
    let mut lines = Lines { file, number: 0, line: Vec::new(), sum: Some(Summing::empty()), rank: 0 };
    lines.header()?;
    Ok(lines)
}

struct Lines<R> {
    file: R,
    /// That of the line that was read last, from 1.
    number: u64,
    line: Vec<u8>,
    /// `None` once there is nothing more to read.
    sum: Option<Summing>,
    /// The place of the last kind among the kinds.
    rank: usize,
}

impl<R: BufRead> Lines<R> {
    fn damaged(&self, problem: impl Into<String>) -> TransferError {
        TransferError::Damaged { line: self.number, problem: problem.into() }
    }

    /// Reads a line, with the sign that ends it.
    fn read(&mut self) -> Result<(), TransferError> {
        self.number += 1;
        self.line.clear();
        let read = (&mut self.file).take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        // A compressed file that was cut off or changed is an error of reading it.
        read.map_err(|error| self.damaged(error.to_string()))?;
        match self.line.last() {
            Some(b'\n') => Ok(()),
            None => Err(self.damaged("the file ends before its last line")),
            Some(_) => Err(self.damaged("it is cut off, or longer than any line of a catalogue")),
        }
    }

    fn header(&mut self) -> Result<(), TransferError> {
        self.read()?;
        let header: HeaderLine = serde_json::from_slice(&self.line)
            .map_err(|_| self.damaged("it is not the first line of a catalogue that was exported"))?;
        let found = header.tubeatlas_catalogue.version;
        if found != VERSION {
            return Err(TransferError::Version { found });
        }
        if self.line != Summing::new().header() {
            return Err(self.damaged("it is not as it was written"));
        }
        self.take_in();
        Ok(())
    }

    fn take_in(&mut self) {
        if let Some(sum) = &mut self.sum {
            sum.update(&self.line);
        }
    }

    fn entry(&mut self) -> Result<Option<Entry>, TransferError> {
        self.read()?;
        if self.line.starts_with(TRAILER) {
            let TrailerLine { end } = self.parsed()?;
            return self.end(&end).map(|()| None);
        }
        let entry: Entry = self.parsed()?;
        let rank = ORDER.iter().position(|kind| *kind == entry.kind()).unwrap_or_default();
        if rank < self.rank {
            return Err(self.damaged(format!("{} stands behind its place", entry.name())));
        }
        self.rank = rank;
        self.take_in();
        if let Some(sum) = &mut self.sum {
            sum.count(&entry);
        }
        Ok(Some(entry))
    }

    fn parsed<T: serde::de::DeserializeOwned>(&self) -> Result<T, TransferError> {
        serde_json::from_slice(&self.line).map_err(|error| self.damaged(error.to_string()))
    }

    fn end(&mut self, said: &Summary) -> Result<(), TransferError> {
        let found = self.sum.take().unwrap_or_else(Summing::empty).end();
        if found != *said {
            return Err(self.damaged(format!("the lines before it are {found}, and it says {said}")));
        }
        if self.line != said.trailer() {
            return Err(self.damaged("it is not as it was written"));
        }
        let behind = (&mut self.file).take(1).read_to_end(&mut self.line);
        match behind.map_err(|error| self.damaged(error.to_string()))? {
            0 => Ok(()),
            _ => {
                self.number += 1;
                Err(self.damaged("nothing may stand behind the last line"))
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Entry, TransferError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.sum.as_ref()?;
        let entry = self.entry();
        if entry.is_err() {
            self.sum = None;
        }
        entry.transpose()
    }
}
