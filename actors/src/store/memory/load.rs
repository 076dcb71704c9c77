//! What the engine needs for a batch, from the tables.

use impresario_api::OperationId;

use super::lane::Lane;
use super::tables::Tables;
use crate::rules::dispatch::{PROMOTED_AT_ONCE, Rank};
use crate::store::engine::{
    CancelledNeeds, LaneNeeds, LaneSet, Needs, Promoted, PruneNeeds, WorkingSet,
};

impl Tables {
    /// Loads what a part of a batch touches.
    pub(super) fn load(&self, needs: &Needs<'_>) -> WorkingSet {
        let mut set = WorkingSet {
            cursor: self.cursor,
            ..WorkingSet::default()
        };
        for id in &needs.operations {
            self.load_operation(*id, &mut set);
            if let Some(text) = set.text_to_look_up(*id).map(str::to_owned) {
                self.load_holder(&text, &mut set);
            }
        }
        for id in &needs.new {
            self.load_operation(*id, &mut set);
        }
        for text in &needs.unique {
            self.load_holder(text, &mut set);
        }
        for key in &needs.keys {
            if let Some(known) = self.keys.get(key) {
                set.keys.insert((*key).to_owned(), known);
                self.load_operation(known.id, &mut set);
            }
        }
        for (name, lane) in &needs.lanes {
            self.load_lane(name, lane, &mut set);
        }
        if let Some(lost) = needs.recover {
            let running = self.index.shelves();
            let running = running.filter(|(_, status, _)| status.is_dispatched());
            let ids = running.flat_map(|(.., ids)| ids.iter().copied());
            let row = |id| {
                self.rows
                    .get(&id)
                    .map(|row| (id, row.stored.operation.owner))
            };
            let lost = ids.filter_map(row).filter(|(_, owner)| lost.lost(*owner));
            self.select(lost.map(|(id, _)| id).collect(), &mut set);
            set.selected.sort_unstable();
            let lanes = self.lanes.iter();
            let lanes = lanes.map(|(name, lane)| (name.clone(), waiting(lane)));
            set.lanes.extend(lanes);
        }
        if let Some(prune) = needs.prune {
            self.load_old(prune, &mut set);
        }
        if let Some(CancelledNeeds { before, limit }) = needs.cancelled {
            let old = self.cancelled.range(..(before, OperationId::from_u64(0)));
            let old = old.take(limit).map(|(_, id)| *id);
            self.select(old.collect(), &mut set);
        }
        set
    }

    fn load_operation(&self, id: OperationId, set: &mut WorkingSet) {
        if let Some(row) = self.rows.get(&id) {
            set.operations.insert(id, row.stored.clone());
        }
    }

    fn load_holder(&self, text: &str, set: &mut WorkingSet) {
        if let Some(id) = self.unique.get(text) {
            set.holders.insert(text.to_owned(), *id);
        }
    }

    fn load_lane(&self, name: &str, needs: &LaneNeeds<'_>, set: &mut WorkingSet) {
        let Some(lane) = self.lanes.get(name) else {
            set.lanes.insert(name.to_owned(), LaneSet::default());
            return;
        };
        let due: Vec<_> = lane.due(needs.now).take(PROMOTED_AT_ONCE).collect();
        let mut loaded = waiting(lane);
        let rest = lane.scheduled().skip(due.len()).take(needs.scheduled);
        loaded.scheduled = rest.collect();
        for (kinds, most) in &needs.candidates {
            let wanted = |id: &OperationId| {
                let kind = self.rows.get(id).map(|row| &row.stored.operation.kind);
                kinds.is_none_or(|kinds| kind.is_some_and(|kind| kinds.contains(kind)))
            };
            let ready = lane.ready().filter(|(_, id)| wanted(id)).take(*most);
            loaded.ready.extend(ready);
            let mut due: Vec<Rank> = due.iter().map(|(_, rank)| *rank).collect();
            due.retain(|(_, id)| wanted(id));
            due.sort_unstable();
            let due = due.iter().take(*most);
            for (_, id) in due.chain(&loaded.ready) {
                self.load_operation(*id, set);
            }
        }
        set.due.extend(due.into_iter().filter_map(|(_, (_, id))| {
            let operation = &self.rows.get(&id)?.stored.operation;
            Some(Promoted {
                id,
                kind: operation.kind.clone(),
                lane: operation.lane.clone(),
                priority: operation.priority,
            })
        }));
        set.lanes.insert(name.to_owned(), loaded);
    }

    fn load_old(&self, needs: PruneNeeds, set: &mut WorkingSet) {
        let old = self.ended.range(..(needs.before, OperationId::from_u64(0)));
        let old = old.take(needs.limit).map(|(_, id)| *id);
        if needs.dry_run {
            set.ended = old.count() as u64;
        } else {
            self.select(old.collect(), set);
        }
    }

    fn select(&self, ids: Vec<OperationId>, set: &mut WorkingSet) {
        for id in &ids {
            self.load_operation(*id, set);
        }
        set.selected = ids;
    }
}

fn waiting(lane: &Lane) -> LaneSet {
    LaneSet {
        waiting: lane.waiting(),
        ..LaneSet::default()
    }
}
