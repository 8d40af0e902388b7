date -u -d '2024-02-05 08:03:09' '+%a %A %b %B %C %d %D %e %F %g %G %H %I %j %k %l %m %M %N %p %P %q %r %R %s %S %T %u %U %V %w %W %x %X %y %Y %z %:z %Z %%'
date -u -d '2024-02-05 08:03:09' '+%-d|%_d|%^a|%^B|%#p|%03d|%10Y|%-H|%-j|%h|%c'
date -u -d @0; date -u -R -d @0; date -u -Iseconds -d @0; date -u --rfc-3339=seconds -d @0; date -u -Ins -d @0
date -d 'next friday' +%a; date -d monday +%u; date -d 'last sunday' +%A
date -u -r words.txt +%Y | wc -c
