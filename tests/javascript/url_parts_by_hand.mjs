const url = "https://example.com:8080/a/b?x=1&y=two%20words#frag";
const [, scheme, host, port, path, query] = url.match(/^(\w+):\/\/([^:/]+)(?::(\d+))?([^?#]*)\??([^#]*)/);
const params = Object.fromEntries(query.split("&").map((pair) => pair.split("=").map(decodeURIComponent)));
console.log(scheme, host, port, path, JSON.stringify(params), encodeURIComponent("ä b/c"), encodeURI("ä b/c"));
