//! Lists: orders, filters, counts, pages and cursors, for every kind of entity. The files of the kinds name and
//! number these rules.

use tubeatlas_ports::{
    Catalogued, Cursor, CursorScope, MAX_CURSOR_BYTES, MAX_PAGE_LIMIT, Page, PageRequest, Repository, Stored,
    Visibility,
};

use super::subject::{Row, Subject, VISIBILITIES, Written};
use crate::check::{holds, invalid, same, some};
use crate::{Case, Outcome, Violation};

/// More than any catalogue holds.
const ALL: u32 = 100;

type Listed<E> = Stored<<E as Catalogued>::Listed>;

/// What a list should answer: the model.
fn expected<E: Subject>(
    rows: &[Row<E>],
    filter: &E::Filter,
    order: E::Order,
    seen: Visibility,
) -> Vec<Listed<E>> {
    let mut taken: Vec<_> = rows
        .iter()
        .filter(|row| row.shown(seen) && E::takes_in(filter, &row.stored))
        .map(|row| &row.stored)
        .collect();
    taken.sort_by(|a, b| E::compare(order, &E::key(a), &E::key(b)));
    taken.into_iter().map(listed).collect()
}

fn listed<E: Subject>(stored: &Stored<E>) -> Listed<E> {
    stored.clone().map(|entity| entity.listed())
}

/// All filters as each visibility sees them.
fn all_filters<E: Subject>() -> Vec<(E::Filter, Visibility)> {
    let filters = E::filters();
    let seen = |filter| move |seen| Some((E::seeing(filter, seen)?, seen));
    filters.iter().flat_map(|filter| VISIBILITIES.into_iter().filter_map(seen(filter))).collect()
}

async fn page<E: Subject>(
    repository: &dyn Repository<E>,
    filter: &E::Filter,
    order: E::Order,
    limit: u32,
    after: Option<Cursor>,
) -> tubeatlas_ports::Result<Page<Listed<E>>> {
    repository.list(filter, &PageRequest { order, limit, after }).await
}

pub(crate) async fn orders_are_total<E: Subject>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    let filter = E::Filter::default();
    for order in E::orders() {
        let page = page(E::reads(case.store()), &filter, order, ALL, None).await?;
        let expected = expected(&rows, &filter, order, Visibility::Live);
        same(&format!("the list in the order {order:?}"), &page.items, &expected)?;
        same("the cursor behind the last item", &page.next, &None)?;
    }
    Ok(())
}

pub(crate) async fn filters_and_counts_agree<E: Subject>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    for (filter, seen) in all_filters::<E>() {
        for order in E::orders() {
            let page = page(E::reads(case.store()), &filter, order, ALL, None).await?;
            let expected = expected(&rows, &filter, order, seen);
            same(&format!("the list in the order {order:?} of {filter:?}"), &page.items, &expected)?;
            let count = E::reads(case.store()).count(&filter).await?;
            same(&format!("the count of {filter:?}"), &count, &(expected.len() as u64))?;
        }
    }
    Ok(())
}

pub(crate) async fn pages_make_the_whole<E: Subject>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    let reads = E::reads(case.store());
    for (filter, seen) in all_filters::<E>().into_iter().take(VISIBILITIES.len()) {
        for order in E::orders() {
            let expected = expected(&rows, &filter, order, seen);
            for limit in (1..).take(expected.len() + 1) {
                let mut after = None;
                for items in expected.chunks(limit as usize) {
                    let page = page(reads, &filter, order, limit, after).await?;
                    same(&format!("a page of {limit} in the order {order:?}"), &page.items, items)?;
                    after = page.next;
                }
                same(&format!("the cursor behind the last page of {limit}"), &after, &None)?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn a_cursor_takes_any_limit<E: Subject>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    let (reads, filter) = (E::reads(case.store()), E::Filter::default());
    for order in E::orders() {
        let expected = expected(&rows, &filter, order, Visibility::Live);
        let first = page(reads, &filter, order, 3, None).await?;
        let cursor = Cursor::from_text(some("a cursor", first.next)?.as_str());
        for _ in 0..2 {
            let rest = page(reads, &filter, order, ALL, Some(cursor.clone())).await?;
            same(
                &format!("what stands behind the third in the order {order:?}"),
                &rest.items[..],
                &expected[3..],
            )?;
        }
    }
    Ok(())
}

pub(crate) async fn rows_written_between_pages<E: Subject>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    let (reads, filter) = (E::reads(case.store()), E::Filter::default());
    let mut added = 0;
    for order in E::orders() {
        let before = page(reads, &filter, order, ALL, None).await?.items;
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = page(reads, &filter, order, 2, after).await?;
            seen.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
            E::add(case, added).await?;
            added += 1;
            holds("a traversal that ends", added < 500, &added)?;
        }
        let kept: Vec<_> = seen.iter().filter(|item| before.contains(item)).cloned().collect();
        same(&format!("what was there throughout, in the order {order:?}"), &kept, &before)?;
        let positions: Vec<_> = seen.iter().map(|item| E::position(item)).collect();
        let mut once = positions.clone();
        once.dedup();
        same("each row is seen once", &positions, &once)?;
    }
    same(
        "the catalogue is as it was",
        &reads.get(&rows[0].stored.entity.id(), Visibility::WithDeleted).await?.is_some(),
        &true,
    )
}

pub(crate) async fn rows_deleted_between_pages<E: Written>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    let (writes, filter) = (E::writes(case.store()), E::Filter::default());
    let mut left = rows;
    for order in E::orders() {
        let expected = expected(&left, &filter, order, Visibility::Live);
        let first = page(writes, &filter, order, 2, None).await?;
        same("the first page", &first.items[..], &expected[..2])?;
        // The one at which the cursor points, and the next one.
        for gone in &expected[1..3] {
            let position = left.iter().position(|row| listed(&row.stored) == *gone);
            let row = left.remove(some("the row", position)?);
            writes.delete(&row.stored.entity.id(), None).await?;
        }
        let rest = page(writes, &filter, order, ALL, first.next).await?;
        same(&format!("what is left behind it, in the order {order:?}"), &rest.items[..], &expected[3..])?;
    }
    Ok(())
}

pub(crate) async fn cursors_belong_to_their_list<E: Subject>(case: &Case) -> Outcome {
    E::catalogue(case).await?;
    let reads = E::reads(case.store());
    let lists: Vec<_> = all_filters::<E>()
        .into_iter()
        .flat_map(|(filter, _)| E::orders().into_iter().map(move |order| (filter.clone(), order)))
        .collect();
    for (filter, order) in &lists {
        let Some(cursor) = page(reads, filter, *order, 1, None).await?.next else { continue };
        for (other_filter, other_order) in &lists {
            let answer = page(reads, other_filter, *other_order, 1, Some(cursor.clone())).await;
            if (other_filter, other_order) == (filter, order) {
                answer?;
            } else {
                invalid(answer, "cursor")?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn forged_cursors_are_invalid<E: Subject>(case: &Case) -> Outcome {
    E::catalogue(case).await?;
    let (reads, filter, order) = (E::reads(case.store()), E::Filter::default(), E::Order::default());
    let page_one = page(reads, &filter, order, 1, None).await?;
    let good = some("a cursor", page_one.next)?;
    let good = good.as_str();
    let position = E::position(&page_one.items[0]);
    let foreign = Cursor::encode(CursorScope::new("another list", &order, &filter), &position)?;
    let other_key = Cursor::encode(E::cursor_scope(order, &filter), &["no", "such", "key"])?;
    let middle = good.len() / 2;
    let other_letter = if good[middle..].starts_with('A') { "B" } else { "A" };
    let texts = [
        String::new(),
        "\0".into(),
        "🦀".into(),
        "1".into(),
        "' OR 1=1 --".into(),
        good[..good.len() - 1].into(),
        good[..middle].into(),
        format!("{good}{good}"),
        format!("{}{other_letter}{}", &good[..middle], &good[middle + 1..]),
        "A".repeat(MAX_CURSOR_BYTES + 1),
        foreign.as_str().into(),
        other_key.as_str().into(),
    ];
    for text in texts {
        let answer = page(reads, &filter, order, 1, Some(Cursor::from_text(text))).await;
        invalid(answer, "cursor")?;
    }
    Ok(())
}

pub(crate) async fn limits_are_bounded<E: Subject>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    let (reads, filter) = (E::reads(case.store()), E::Filter::default());
    let live = rows.iter().filter(|row| row.shown(Visibility::Live)).count();
    for order in E::orders() {
        for limit in [0, MAX_PAGE_LIMIT + 1, u32::MAX] {
            invalid(page(reads, &filter, order, limit, None).await, "limit")?;
        }
        let most = page(reads, &filter, order, MAX_PAGE_LIMIT, None).await?;
        same("the items of a page with the largest limit", &most.items.len(), &live)?;
    }
    Ok(())
}

/// Of an empty store too, nothing is an error.
pub(crate) async fn an_empty_list_is_a_page<E: Subject>(case: &Case) -> Result<(), Violation> {
    let reads = E::reads(case.store());
    for (filter, _) in all_filters::<E>() {
        for order in E::orders() {
            let empty = page(reads, &filter, order, 1, None).await?;
            same("the page of nothing", &(empty.items.len(), empty.next), &(0, None))?;
        }
        same("the count of nothing", &reads.count(&filter).await?, &0)?;
    }
    Ok(())
}
