ls notes/*.md; echo notes/?.md; echo [dw]*.txt; echo *.none; shopt -s nullglob; echo *.none; echo {x,y}.{1,2}
