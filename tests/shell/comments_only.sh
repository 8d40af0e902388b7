# nothing
   # still nothing
