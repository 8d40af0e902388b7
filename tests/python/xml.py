import xml.etree.ElementTree as ET
root = ET.fromstring("<shop><item price='3'>tea</item><item price='1'>milk</item></shop>")
print([(item.text, int(item.get("price"))) for item in root.iter("item")])
ET.SubElement(root, "item", price="4").text = "cake & co"
print(ET.tostring(root, encoding="unicode"))
