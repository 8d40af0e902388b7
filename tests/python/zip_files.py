import zipfile
with zipfile.ZipFile("x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("a.txt", "hello")
    archive.write("words.txt")
with zipfile.ZipFile("x.zip") as archive:
    print(archive.namelist(), archive.read("a.txt"), archive.testzip())
