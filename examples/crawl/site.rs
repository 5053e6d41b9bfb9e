//! A web site of several hosts, on loopback. Page `i` links to the pages `2 i + 1` and `2 i + 2`.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long the site works on a page.
const WORK: Duration = Duration::from_millis(5);
/// How long it keeps a connection that nothing comes from.
const IDLE: Duration = Duration::from_secs(10);

pub(crate) struct Site {
    pages: Arc<Pages>,
}

struct Pages {
    count: usize,
    hosts: Vec<Host>,
    /// Pages that have failed once.
    failed: Mutex<HashSet<usize>>,
}

struct Host {
    address: SocketAddr,
    requests: AtomicUsize,
    most: AtomicUsize,
}

impl Site {
    /// Listens on as many ports as there are hosts, until the program ends.
    pub(crate) fn start(hosts: usize, pages: usize) -> io::Result<Self> {
        let listeners =
            (0..hosts).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<Vec<_>>>()?;
        let hosts = listeners
            .iter()
            .map(|listener| {
                let address = listener.local_addr()?;
                Ok(Host { address, requests: AtomicUsize::new(0), most: AtomicUsize::new(0) })
            })
            .collect::<io::Result<_>>()?;
        let pages = Arc::new(Pages { count: pages, hosts, failed: Mutex::default() });
        for (number, listener) in listeners.into_iter().enumerate() {
            let pages = pages.clone();
            thread::Builder::new().name("host".into()).spawn(move || {
                for connection in listener.incoming().flatten() {
                    let pages = pages.clone();
                    // Without a thread, the connection is closed, and the client told so.
                    let _ = thread::Builder::new().name("visitor".into()).spawn(move || {
                        // A client that goes away is no news.
                        let _ = pages.serve(number, &connection);
                    });
                }
            })?;
        }
        Ok(Self { pages })
    }

    pub(crate) fn start_page(&self) -> String {
        self.pages.address(0)
    }

    /// The most requests that one of the hosts had at a time.
    pub(crate) fn busiest(&self) -> usize {
        self.pages.hosts.iter().map(|host| host.most.load(Ordering::Relaxed)).max().unwrap_or(0)
    }
}

impl Pages {
    fn address(&self, page: usize) -> String {
        format!("http://{}/{page}", self.hosts[page % self.hosts.len()].address)
    }

    /// Answers the requests of one connection.
    fn serve(&self, host: usize, connection: &TcpStream) -> io::Result<()> {
        connection.set_read_timeout(Some(IDLE))?;
        connection.set_nodelay(true)?;
        let mut lines = BufReader::new(connection).lines();
        while let Some(request) = lines.next() {
            let request = request?;
            // The rest of the head says nothing that matters here.
            while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
            let page = request.split(' ').nth(1).and_then(|path| path.trim_start_matches('/').parse().ok());
            let page = page.filter(|page| *page < self.count);
            let (status, body) = {
                let _counted = self.hosts[host].count();
                thread::sleep(WORK);
                match page {
                    Some(page) if self.never_answers(page) => break,
                    Some(page) if self.fails_now(page) => ("503 Service Unavailable", String::new()),
                    Some(page) => ("200 OK", self.text(page)),
                    None => ("404 Not Found", String::new()),
                }
            };
            answer(connection, status, &body)?;
        }
        // Until the client has lost its patience, or is done.
        let mut connection = connection;
        connection.read(&mut [0]).map(drop)
    }

    /// Every fifth of the pages without links; but the first one tells of a site that is there.
    fn never_answers(&self, page: usize) -> bool {
        page != 0 && 2 * page + 1 >= self.count && page.is_multiple_of(5)
    }

    /// Every seventh page, the first time.
    fn fails_now(&self, page: usize) -> bool {
        page % 7 == 3 && self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(page)
    }

    fn text(&self, page: usize) -> String {
        let links = [2 * page + 1, 2 * page + 2].into_iter().filter(|link| *link < self.count);
        let links: String =
            links.map(|link| format!("<a href=\"{}\">{link}</a>\n", self.address(link))).collect();
        format!("<h1>Page {page}</h1>\n{links}")
    }
}

fn answer(mut connection: &TcpStream, status: &str, body: &str) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.write_all((head + body).as_bytes())
}

impl Host {
    fn count(&self) -> impl Drop + '_ {
        struct Counted<'a>(&'a Host);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.0.requests.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let now = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        Counted(self)
    }
}
