import html
from html.parser import HTMLParser
class Links(HTMLParser):
    def __init__(self): super().__init__(); self.found = []
    def handle_starttag(self, tag, attrs):
        if tag == "a": self.found.append(dict(attrs).get("href"))
parser = Links()
parser.feed("<p><a href='/x'>x</a> <a href='y?a=1&amp;b=2'>y</a></p>")
print(parser.found, html.escape("<a> & \"b\""), html.unescape("&lt;&eacute;&#39;"))
