//! Downloads: one connection after the other, all requests of a connection at once as far as the server lets them.

use crate::{DATAGRAM_MAX, config, flush, log_keys, provide_ids, random, receive};
use endpoint::{Endpoint, Outcome, Request};
use quiche::h3::{self, Header, NameValue};
use quiche::{Config, Connection, ConnectionId, RecvInfo};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// How long a session ticket may take after the last file.
const TICKET_TIMEOUT: Duration = Duration::from_secs(2);
/// A client that only receives would stay silent when a NAT forgets it.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

struct Download<'a> {
    endpoint: &'a Endpoint,
    connection: Connection,
    http: Option<h3::Connection>,
    waiting: &'a [Request],
    next_stream: u64,
    /// By stream: what has come of each answer.
    bodies: HashMap<u64, (&'a Request, Vec<u8>)>,
    /// What of the requests the windows had no room for.
    unsent: Vec<(u64, Vec<u8>)>,
}

impl<'a> Download<'a> {
    fn send_request(&mut self, request: &Request) -> Outcome<u64> {
        if let Some(http) = &mut self.http {
            let headers = [
                Header::new(b":method", b"GET"),
                Header::new(b":scheme", b"https"),
                Header::new(b":authority", request.authority.as_bytes()),
                Header::new(b":path", request.path.as_bytes()),
            ];
            return Ok(http.send_request(&mut self.connection, &headers, true)?);
        }
        let id = self.next_stream;
        self.next_stream += 4;
        self.unsent.push((id, request.line().into_bytes()));
        self.send_lines()?;
        Ok(id)
    }

    fn send_lines(&mut self) -> Outcome<()> {
        for (id, line) in &mut self.unsent {
            match self.connection.stream_send(*id, line, true) {
                Ok(length) => drop(line.drain(..length)),
                Err(quiche::Error::Done) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.unsent.retain(|(_, line)| !line.is_empty());
        Ok(())
    }

    fn start_requests(&mut self) -> Outcome<()> {
        if !self.connection.is_established() && !self.connection.is_in_early_data() {
            return Ok(());
        }
        if self.endpoint.is("http3") && self.http.is_none() {
            self.http = Some(h3::Connection::with_transport(&mut self.connection, &h3::Config::new()?)?);
        }
        while self.unsent.is_empty()
            && self.connection.peer_streams_left_bidi() > 0
            && let Some((request, others)) = self.waiting.split_first()
        {
            let id = self.send_request(request)?;
            self.bodies.insert(id, (request, Vec::new()));
            self.waiting = others;
        }
        Ok(())
    }

    fn finish(&mut self, id: u64) -> Outcome<()> {
        if let Some((request, body)) = self.bodies.remove(&id) {
            self.endpoint.save(&request.path, &body)?;
        }
        Ok(())
    }

    fn read_hq(&mut self) -> Outcome<()> {
        let mut buffer = [0; DATAGRAM_MAX];
        for id in self.connection.readable() {
            while let Ok((length, is_last)) = self.connection.stream_recv(id, &mut buffer) {
                if let Some((_, body)) = self.bodies.get_mut(&id) {
                    body.extend_from_slice(&buffer[..length]);
                }
                if is_last {
                    self.finish(id)?;
                }
            }
        }
        Ok(())
    }

    fn read_http(&mut self) -> Outcome<()> {
        let mut buffer = [0; DATAGRAM_MAX];
        let Some(mut http) = self.http.take() else { return Ok(()) };
        while let Ok((id, event)) = http.poll(&mut self.connection) {
            match event {
                h3::Event::Headers { list, .. } => {
                    let is_good = list.iter().any(|one| one.name() == b":status" && one.value() == b"200");
                    if !is_good {
                        return Err("a status that is not 200".into());
                    }
                }
                h3::Event::Data => {
                    while let Ok(length) = http.recv_body(&mut self.connection, id, &mut buffer) {
                        if let Some((_, body)) = self.bodies.get_mut(&id) {
                            body.extend_from_slice(&buffer[..length]);
                        }
                    }
                }
                h3::Event::Finished => self.finish(id)?,
                h3::Event::Reset(code) => return Err(format!("stream {id} was reset with {code}").into()),
                _ => {}
            }
        }
        self.http = Some(http);
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.bodies.is_empty()
    }

    fn step(&mut self, socket: &UdpSocket, local: SocketAddr) -> Outcome<()> {
        let mut buffer = [0; DATAGRAM_MAX];
        let due = self.connection.timeout().unwrap_or(KEEP_ALIVE).min(KEEP_ALIVE);
        let mut timeout = Some(due.max(Duration::from_millis(1)));
        let mut is_silent = true;
        while let Some((length, from)) = receive(socket, &mut buffer, timeout)? {
            // What cannot be read is dropped.
            let _ = self.connection.recv(&mut buffer[..length], RecvInfo { from, to: local });
            timeout = Some(Duration::ZERO);
            is_silent = false;
        }
        if is_silent && due == KEEP_ALIVE && self.connection.is_established() {
            self.connection.send_ack_eliciting()?;
        }
        if self.connection.timeout().is_some_and(|time| time.is_zero()) {
            self.connection.on_timeout();
        }
        provide_ids(&mut self.connection);
        self.read_http()?;
        if self.http.is_none() {
            self.read_hq()?;
        }
        self.send_lines()?;
        self.start_requests()?;
        flush(socket, &mut self.connection)
    }
}

/// Gives what the next connection can be resumed with.
fn download(endpoint: &Endpoint, config: &mut Config, requests: &[Request], session: Option<&[u8]>) -> Outcome<Option<Vec<u8>>> {
    let peer = requests[0].address;
    let socket = UdpSocket::bind(if peer.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" })?;
    let local = socket.local_addr()?;
    let id = random::<16>();
    // RFC 6066 §3: a name for SNI is none that is an address.
    let name = Some(requests[0].host.as_str()).filter(|host| host.parse::<IpAddr>().is_err());
    let mut connection = quiche::connect(name, &ConnectionId::from_ref(&id), local, peer, config)?;
    log_keys(&mut connection)?;
    if let Some(session) = session {
        connection.set_session(session)?;
    }
    let mut run = Download { endpoint, connection, http: None, waiting: requests, next_stream: 0, bodies: HashMap::new(), unsent: Vec::new() };
    // The ClientHello first: before it there are no keys for early data.
    flush(&socket, &mut run.connection)?;
    run.start_requests()?;
    flush(&socket, &mut run.connection)?;
    let mut done_at = None;
    loop {
        run.step(&socket, local)?;
        if run.connection.is_closed() {
            return Err(format!("closed: {:?} {:?}", run.connection.peer_error(), run.connection.local_error()).into());
        }
        if run.is_done() && run.connection.is_established() {
            let since: &Instant = done_at.get_or_insert_with(Instant::now);
            let wants_ticket = requests.len() < endpoint.requests.len() && session.is_none() && !endpoint.is("multiconnect");
            if !wants_ticket || run.connection.session().is_some() || since.elapsed() > TICKET_TIMEOUT {
                break;
            }
        }
    }
    let session = run.connection.session().map(<[u8]>::to_vec);
    run.connection.close(true, 0, b"")?;
    flush(&socket, &mut run.connection)?;
    Ok(session)
}

pub fn run(endpoint: &Endpoint) -> Outcome<()> {
    let mut config = config(endpoint)?;
    config.verify_peer(false);
    let mut session = None;
    for requests in endpoint.connections() {
        session = download(endpoint, &mut config, requests, session.as_deref())?.filter(|_| !endpoint.is("multiconnect"));
    }
    Ok(())
}
