from urllib.parse import urlparse, urlencode, quote, unquote, parse_qs, urljoin
url = urlparse("https://user@example.com:8080/a/b?x=1&y=two%20words#frag")
print(url.hostname, url.port, url.path, parse_qs(url.query), url.fragment)
print(urlencode({"q": "a b", "n": 1}), quote("ä/b"), unquote("%C3%A4"), urljoin("https://a.b/c/d", "../e"))
