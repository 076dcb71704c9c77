//! Receiving a file: its bytes go to the disk as they come, a piece at a time, and no more is read meanwhile.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use impresario_api::ImportAnswer;

use super::connection::{Connection, Permit};
use super::errors::ApiError;
use super::state::App;
use crate::domain::market::ImportName;

/// So much is collected before it is written.
const PIECE: usize = 256 << 10;
/// A body moves when so much of it has come: the next bytes are due anew then. Whoever sends a few bytes now
/// and then would keep a place for ever.
const MOVES: usize = 16 << 10;
/// After a failure so much more is read and dropped before the answer: a client that is still sending would
/// see a broken connection instead.
const DROPPED: usize = 64 << 20;

/// The largest bodies, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Of a body that is read as a whole.
    pub whole: usize,
    /// Of a file that is uploaded.
    pub upload: u64,
}

/// A file that a client sends.
pub(super) struct Upload {
    payload: Payload,
    length: Option<u64>,
    connection: Option<Connection>,
    /// Bytes that have come.
    seen: u64,
    _permit: Permit,
}

impl FromRequest for Upload {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(begin(request, payload))
    }
}

fn begin(request: &HttpRequest, payload: &mut Payload) -> Result<Upload, ApiError> {
    let app = request.app_data::<Data<App>>();
    let app = app.ok_or_else(|| ApiError::internal("an upload without a server"))?;
    if app.is_leaving() {
        return Err(ApiError::shutting_down());
    }
    let permit = app.connections().upload(request.head());
    let length = request.headers().get(CONTENT_LENGTH);
    Ok(Upload {
        _permit: permit.ok_or_else(ApiError::uploads_wait)?,
        payload: payload.take(),
        length: length.and_then(|length| length.to_str().ok()?.parse().ok()),
        connection: Connection::of(request),
        seen: 0,
    })
}

impl Upload {
    /// Stores the file under a name, whole or not at all.
    pub(super) async fn store(
        mut self,
        app: &App,
        name: ImportName,
    ) -> Result<ImportAnswer, ApiError> {
        let stored = self.receive(app, name).await;
        if stored.is_err() && self.seen > 0 {
            self.drop_rest().await;
        }
        self.tell(Connection::works);
        stored
    }

    async fn receive(&mut self, app: &App, name: ImportName) -> Result<ImportAnswer, ApiError> {
        let data = &app.data;
        let mut upload = data.begin_upload(name, self.length).await??;
        loop {
            match self.piece(app).await {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => upload = data.write_upload(upload, piece).await??,
                Err(error) => {
                    data.abandon_upload(upload).await?;
                    return Err(error);
                }
            }
        }
        Ok(data.finish_upload(upload).await??)
    }

    /// What comes next, in one piece; nothing at the end.
    async fn piece(&mut self, app: &App) -> Result<BytesMut, ApiError> {
        // What is long has no end that a shutdown could wait for.
        if app.is_leaving() {
            return Err(ApiError::shutting_down());
        }
        let (mut piece, mut moved) = (BytesMut::new(), Moved::default());
        self.tell(Connection::reads_body);
        while piece.len() < PIECE
            && let Some(chunk) = self.payload.next().await
        {
            let chunk = chunk.map_err(ApiError::broke_off)?;
            self.seen = self.seen.saturating_add(chunk.len() as u64);
            piece.extend_from_slice(&chunk);
            self.tell(match moved.by(chunk.len()) {
                true => Connection::reads_body,
                false => Connection::used,
            });
        }
        self.tell(Connection::works);
        Ok(piece)
    }

    async fn drop_rest(&mut self) {
        let (mut dropped, mut moved) = (0, Moved::default());
        self.tell(Connection::reads_body);
        while dropped < DROPPED
            && let Some(Ok(chunk)) = self.payload.next().await
        {
            dropped += chunk.len();
            self.tell(match moved.by(chunk.len()) {
                true => Connection::reads_body,
                false => Connection::used,
            });
        }
    }

    fn tell(&self, what: fn(&Connection)) {
        self.connection.iter().for_each(what);
    }
}

/// How much has come since the last time that the body had moved.
#[derive(Default)]
struct Moved(usize);

impl Moved {
    /// Whether it has moved again, with so many more bytes.
    fn by(&mut self, bytes: usize) -> bool {
        self.0 += bytes;
        let moved = self.0 >= MOVES;
        if moved {
            self.0 = 0;
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_moves_however_its_bytes_are_cut_and_a_trickle_does_not() {
        for cut in [1, 100, 4_096, MOVES, 3 * MOVES] {
            let mut moved = Moved::default();
            let chunks = 10 * MOVES.div_ceil(cut);
            let moves = (0..chunks).filter(|_| moved.by(cut)).count();
            assert!(moves >= 10, "{cut}: {moves}");
        }
        let mut moved = Moved::default();
        assert!((1..MOVES).all(|_| !moved.by(1)));
        assert!(moved.by(1));
    }
}
