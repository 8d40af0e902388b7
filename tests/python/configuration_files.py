import configparser, tomllib, io
config = configparser.ConfigParser()
config.read_string("[server]\nport = 80\nhost = here\n[empty]\n")
print(config["server"].getint("port"), config.sections(), config.has_option("server", "nope"))
print(tomllib.loads('title = "x"\n[owner]\nage = 3\ntags = ["a", "b"]'))
