//! A guest that sends one request and answers with the body of the response, which must be JSON.
//!
//! What went wrong becomes the tool's error: `denied`, `invalid-arguments`, `unavailable`, `timeout`, or `failed` with
//! `too-large` or `too-many-redirects`.

use crate::Guest;

/// The request.
pub struct Fetch {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    timeout_ms: Option<u32>,
    redirects: u32,
}

impl Fetch {
    /// `GET` this URL, following up to five redirects.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            redirects: 5,
        }
    }

    /// Another method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A timeout of the request's own.
    #[must_use]
    pub fn timeout_ms(mut self, timeout: u32) -> Self {
        self.timeout_ms = Some(timeout);
        self
    }

    /// How many redirects to follow.
    #[must_use]
    pub fn redirects(mut self, redirects: u32) -> Self {
        self.redirects = redirects;
        self
    }

    /// The guest.
    pub fn guest(&self) -> Guest {
        self.guest_that_calls(1)
    }

    /// The guest, sending the same request this often.
    pub fn guest_that_calls(&self, times: u32) -> Guest {
        let mut memory = Vec::new();
        let mut place = |bytes: &[u8]| {
            let at = 1024 + memory.len();
            memory.extend_from_slice(bytes);
            (at, bytes.len())
        };
        let (method, method_len) = place(self.method.as_bytes());
        let (url, url_len) = place(self.url.as_bytes());
        let (body, body_len) = place(self.body.as_deref().unwrap_or_default());
        let fields: Vec<usize> = self
            .headers
            .iter()
            .flat_map(|(name, value)| {
                let ((a, b), (c, d)) = (place(name.as_bytes()), place(value.as_bytes()));
                [a, b, c, d]
            })
            .collect();
        memory.resize(memory.len().next_multiple_of(4), 0);
        let headers = 1024 + memory.len();
        for field in &fields {
            memory.extend_from_slice(&u32::try_from(*field).expect("small").to_le_bytes());
        }
        assert!(memory.len() < 60_000, "the request must fit below the heap");
        let call = format!(
            "(local.set $i (i32.const {times}))
             (loop $again
               (call $fetch (i32.const {method}) (i32.const {method_len}) (i32.const {url}) (i32.const {url_len})
                 (i32.const {headers}) (i32.const {count})
                 (i32.const {has_body}) (i32.const {body}) (i32.const {body_len})
                 (i32.const {has_timeout}) (i32.const {timeout}) (i32.const {redirects}) (i32.const 512))
               (local.set $i (i32.sub (local.get $i) (i32.const 1)))
               (br_if $again (i32.and (i32.ne (local.get $i) (i32.const 0)) (i32.eqz (i32.load8_u (i32.const 512))))))
             (if (i32.eqz (i32.load8_u (i32.const 512)))
               (then (return (call $ok (i32.load (i32.const 536)) (i32.load (i32.const 540))))))
             (local.set $j (i32.load8_u (i32.const 516)))
             (if (i32.eq (local.get $j) (i32.const 0))
               (then (return (call $error (i32.const 2) (i32.load (i32.const 520)) (i32.load (i32.const 524))))))
             (if (i32.eq (local.get $j) (i32.const 1))
               (then (return (call $error (i32.const 1) (i32.load (i32.const 520)) (i32.load (i32.const 524))))))
             (if (i32.eq (local.get $j) (i32.const 2))
               (then (return (call $error (i32.const 4) (i32.load (i32.const 520)) (i32.load (i32.const 524))))))
             (if (i32.eq (local.get $j) (i32.const 3))
               (then (return (call $error (i32.const 5) (i32.const 32) (i32.const 7)))))
             (if (i32.eq (local.get $j) (i32.const 4))
               (then (return (call $error (i32.const 6) (i32.const 40) (i32.const 9)))))
             (call $error (i32.const 6) (i32.const 56) (i32.const 18))",
            count = self.headers.len(),
            has_body = u32::from(self.body.is_some()),
            has_timeout = u32::from(self.timeout_ms.is_some()),
            timeout = self.timeout_ms.unwrap_or(0).cast_signed(),
            redirects = self.redirects.cast_signed(),
        );
        Guest::tool(&call)
            .import(
                "http",
                "fetch",
                "fetch",
                "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)",
            )
            .data(32, b"timeout")
            .data(40, b"too-large")
            .data(56, b"too-many-redirects")
            .data(1024, &memory)
    }
}
