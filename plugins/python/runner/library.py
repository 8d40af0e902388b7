"""The standard library as scripts use it, imported when the component is made: a call finds it ready."""

# ruff: noqa: F401
import abc, argparse, array, ast, base64, binascii, bisect, calendar, cmath, codecs, collections, collections.abc
import colorsys, configparser, contextlib, copy, csv, dataclasses, datetime, decimal, difflib, enum, errno, fnmatch
import fractions, functools, getopt, glob, graphlib, gzip, hashlib, heapq, hmac, html, html.entities, html.parser
import inspect, io, ipaddress, itertools, json, keyword, linecache, locale, logging, math, mimetypes, numbers, operator
import os, os.path, pathlib, pickle, posixpath, pprint, queue, quopri, random, re, reprlib, secrets, shlex, shutil
import statistics, string, struct, tempfile, textwrap, threading, time, timeit, tokenize, tomllib, traceback, types
import typing, unicodedata, unittest, urllib.error, urllib.parse, urllib.request, uuid, warnings, weakref, zipfile, zlib
import _strptime, stringprep, concurrent.futures, importlib.resources, json.tool, sched, selectors, signal, symtable
import trace, tracemalloc, netrc, nturl2path, plistlib, pkgutil, platform, pdb, cmd, code, codeop, dis, opcode
import xml.dom.minidom, xml.etree.ElementTree, email.message, email.parser, email.utils
import zoneinfo, asyncio, subprocess
import importlib, pkgutil, encodings

# Text in any encoding: a codec is a module that is looked for when its name is first used.
for _codec in pkgutil.iter_modules(encodings.__path__):
    try:
        importlib.import_module(f"encodings.{_codec.name}")
    except ImportError:
        # One for another system.
        continue
