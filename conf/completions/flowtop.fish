# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_flowtop_global_optspecs
    string join \n 4/ipv4 6/ipv6 T/tcp U/udp D/dccp I/icmp S/sctp O/other A/all loopback f/filter= service= n/no-dns dns G/no-geoip s/show-src columns= subnet= mask export-dir= b/bits rate-tiers= max-closed= no-mouse no-state theme= color= t/interval= source= netns= no-process no-sysctl track rcvbuf= local= resolver= geoip-dir= services= nfsd-dir= config= print-config u/update v/version h/help no-loopback geoip no-show-src no-bits no-mask mouse state process sysctl no-track
end

function __fish_flowtop_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_flowtop_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_flowtop_using_subcommand
    set -l cmd (__fish_flowtop_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c flowtop -n "__fish_flowtop_needs_command" -s f -l filter -d 'Only flows that this filter holds, as in \'port 443 and rate>1M\'' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l service -d 'The clients of one service on our side, such as nfs or 53/udp' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l columns -d 'Columns: a list such as proto,dst,rtt, or +rtt,-cc' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l subnet -d 'Bits that name a network, of IPv4 and IPv6; 24,64 by default' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l export-dir -d 'Where the keys w and e write screens and exports' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_needs_command" -l rate-tiers -d 'From which rates on rows look busy and busier: 10k,1M by default' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l max-closed -d 'How many ended flows the viewer keeps; 10000 by default, 0 for none' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l theme -d 'Theme of the viewer: terminal, mono, nord and so on' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'If the surroundings are fit for them'
always\t'Whatever the surroundings say'
never\t'Not at all'"
complete -c flowtop -n "__fish_flowtop_needs_command" -s t -l interval -d 'Seconds between refreshes, 0.1 to 3600; 1 by default' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l source -d 'Where to learn of flows: auto, conntrack or sockets' -r -f -a "auto\t'Connection tracking where it can be read and sees anything, else sockets'
conntrack\t'Connection tracking or nothing'
sockets\t'Sockets, even where connections are tracked'"
complete -c flowtop -n "__fish_flowtop_needs_command" -l netns -d 'Look into another network namespace: a name, a process id or a path' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l rcvbuf -d 'Buffer for events in bytes, k or M; 16M by default' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l local -d 'Networks that count as ours, such as 10.0.0.0/8; may be repeated' -r
complete -c flowtop -n "__fish_flowtop_needs_command" -l resolver -d 'Who looks names up: dns or system' -r -f -a "dns\t''
system\t''"
complete -c flowtop -n "__fish_flowtop_needs_command" -l geoip-dir -d 'Look for databases of places here first' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_needs_command" -l services -d 'A file of service names, `PORT, NAME`; wins over all others' -r -F
complete -c flowtop -n "__fish_flowtop_needs_command" -l nfsd-dir -d 'Where the NFS server tells of its clients; /proc/fs/nfsd by default' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_needs_command" -l config -d 'Read this configuration last, after those of system and user' -r -F
complete -c flowtop -n "__fish_flowtop_needs_command" -s 4 -l ipv4 -d 'IPv4 flows'
complete -c flowtop -n "__fish_flowtop_needs_command" -s 6 -l ipv6 -d 'IPv6 flows'
complete -c flowtop -n "__fish_flowtop_needs_command" -s T -l tcp -d 'TCP flows; the default if no protocol is named'
complete -c flowtop -n "__fish_flowtop_needs_command" -s U -l udp -d 'UDP and UDP-Lite flows, QUIC and DNS among them'
complete -c flowtop -n "__fish_flowtop_needs_command" -s D -l dccp -d 'DCCP flows'
complete -c flowtop -n "__fish_flowtop_needs_command" -s I -l icmp -d 'ICMP and ICMPv6 flows'
complete -c flowtop -n "__fish_flowtop_needs_command" -s S -l sctp -d 'SCTP flows'
complete -c flowtop -n "__fish_flowtop_needs_command" -s O -l other -d 'Every other protocol: GRE, ESP, IGMP and so on'
complete -c flowtop -n "__fish_flowtop_needs_command" -s A -l all -d 'All protocols'
complete -c flowtop -n "__fish_flowtop_needs_command" -l loopback -d 'Also flows from or to 127.0.0.0/8 and ::1'
complete -c flowtop -n "__fish_flowtop_needs_command" -s n -l no-dns -d 'No host names, only addresses'
complete -c flowtop -n "__fish_flowtop_needs_command" -l dns -d 'Host names in records, too, and whatever the configuration says'
complete -c flowtop -n "__fish_flowtop_needs_command" -s G -l no-geoip -d 'No places'
complete -c flowtop -n "__fish_flowtop_needs_command" -s s -l show-src -d 'Show where flows come from, even if that costs other columns'
complete -c flowtop -n "__fish_flowtop_needs_command" -l mask -d 'Pseudonyms instead of addresses and names, on screen and in records'
complete -c flowtop -n "__fish_flowtop_needs_command" -s b -l bits -d 'Rates in bits per second instead of bytes'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-mouse -d 'Leave the mouse to the terminal'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-state -d 'Neither use nor keep what was last chosen in the viewer'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-process -d 'Do not find out which processes flows belong to'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-sysctl -d 'Do not switch on accounting and time stamps'
complete -c flowtop -n "__fish_flowtop_needs_command" -l track -d 'Have the kernel track connections, if no rule does'
complete -c flowtop -n "__fish_flowtop_needs_command" -l print-config -d 'Print a configuration file with all keys and their defaults, and exit'
complete -c flowtop -n "__fish_flowtop_needs_command" -s u -l update -d 'Update the databases of places and exit, as `flowtop update`'
complete -c flowtop -n "__fish_flowtop_needs_command" -s v -l version -d 'Print the version and exit'
complete -c flowtop -n "__fish_flowtop_needs_command" -s h -l help -d 'Print this help and exit'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-loopback -d 'The opposite of --loopback'
complete -c flowtop -n "__fish_flowtop_needs_command" -l geoip -d 'The opposite of --no-geoip'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-show-src -d 'The opposite of --show-src'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-bits -d 'The opposite of --bits'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-mask -d 'The opposite of --mask'
complete -c flowtop -n "__fish_flowtop_needs_command" -l mouse -d 'The opposite of --no-mouse'
complete -c flowtop -n "__fish_flowtop_needs_command" -l state -d 'The opposite of --no-state'
complete -c flowtop -n "__fish_flowtop_needs_command" -l process -d 'The opposite of --no-process'
complete -c flowtop -n "__fish_flowtop_needs_command" -l sysctl -d 'The opposite of --no-sysctl'
complete -c flowtop -n "__fish_flowtop_needs_command" -l no-track -d 'The opposite of --track'
complete -c flowtop -n "__fish_flowtop_needs_command" -f -a "list" -d 'Print the flows and exit'
complete -c flowtop -n "__fish_flowtop_needs_command" -f -a "events" -d 'Print new, changed and ended flows until interrupted'
complete -c flowtop -n "__fish_flowtop_needs_command" -f -a "fields" -d 'Print the fields of records and what they mean'
complete -c flowtop -n "__fish_flowtop_needs_command" -f -a "doctor" -d 'Tell what flowtop can see here, and what would let it see more'
complete -c flowtop -n "__fish_flowtop_needs_command" -f -a "update" -d 'Fetch new databases of places'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l count -d 'Number of samples, one each interval; 1 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l group -d 'Put flows together: by country, service, process and so on' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l sort -d 'Sort by a field or a column, such as rtt_us or age:asc' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l top -d 'Print only the first N flows or groups of the order' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s o -l output -d 'Print as table, csv or json (one object per line)' -r -f -a "table\t''
csv\t''
json\t''"
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l fields -d 'Print these fields, separated by commas, in this order' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s f -l filter -d 'Only flows that this filter holds, as in \'port 443 and rate>1M\'' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l service -d 'The clients of one service on our side, such as nfs or 53/udp' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l columns -d 'Columns: a list such as proto,dst,rtt, or +rtt,-cc' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l subnet -d 'Bits that name a network, of IPv4 and IPv6; 24,64 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l export-dir -d 'Where the keys w and e write screens and exports' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l rate-tiers -d 'From which rates on rows look busy and busier: 10k,1M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l max-closed -d 'How many ended flows the viewer keeps; 10000 by default, 0 for none' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l theme -d 'Theme of the viewer: terminal, mono, nord and so on' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'If the surroundings are fit for them'
always\t'Whatever the surroundings say'
never\t'Not at all'"
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s t -l interval -d 'Seconds between refreshes, 0.1 to 3600; 1 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l source -d 'Where to learn of flows: auto, conntrack or sockets' -r -f -a "auto\t'Connection tracking where it can be read and sees anything, else sockets'
conntrack\t'Connection tracking or nothing'
sockets\t'Sockets, even where connections are tracked'"
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l netns -d 'Look into another network namespace: a name, a process id or a path' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l rcvbuf -d 'Buffer for events in bytes, k or M; 16M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l local -d 'Networks that count as ours, such as 10.0.0.0/8; may be repeated' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l resolver -d 'Who looks names up: dns or system' -r -f -a "dns\t''
system\t''"
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l geoip-dir -d 'Look for databases of places here first' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l services -d 'A file of service names, `PORT, NAME`; wins over all others' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l nfsd-dir -d 'Where the NFS server tells of its clients; /proc/fs/nfsd by default' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l config -d 'Read this configuration last, after those of system and user' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s 4 -l ipv4 -d 'IPv4 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s 6 -l ipv6 -d 'IPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s T -l tcp -d 'TCP flows; the default if no protocol is named'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s U -l udp -d 'UDP and UDP-Lite flows, QUIC and DNS among them'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s D -l dccp -d 'DCCP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s I -l icmp -d 'ICMP and ICMPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s S -l sctp -d 'SCTP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s O -l other -d 'Every other protocol: GRE, ESP, IGMP and so on'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s A -l all -d 'All protocols'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l loopback -d 'Also flows from or to 127.0.0.0/8 and ::1'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s n -l no-dns -d 'No host names, only addresses'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l dns -d 'Host names in records, too, and whatever the configuration says'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s G -l no-geoip -d 'No places'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s s -l show-src -d 'Show where flows come from, even if that costs other columns'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l mask -d 'Pseudonyms instead of addresses and names, on screen and in records'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s b -l bits -d 'Rates in bits per second instead of bytes'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-mouse -d 'Leave the mouse to the terminal'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-state -d 'Neither use nor keep what was last chosen in the viewer'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-process -d 'Do not find out which processes flows belong to'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-sysctl -d 'Do not switch on accounting and time stamps'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l track -d 'Have the kernel track connections, if no rule does'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l print-config -d 'Print a configuration file with all keys and their defaults, and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s u -l update -d 'Update the databases of places and exit, as `flowtop update`'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s v -l version -d 'Print the version and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -s h -l help -d 'Print this help and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-loopback -d 'The opposite of --loopback'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l geoip -d 'The opposite of --no-geoip'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-show-src -d 'The opposite of --show-src'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-bits -d 'The opposite of --bits'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-mask -d 'The opposite of --mask'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l mouse -d 'The opposite of --no-mouse'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l state -d 'The opposite of --no-state'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l process -d 'The opposite of --no-process'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l sysctl -d 'The opposite of --no-sysctl'
complete -c flowtop -n "__fish_flowtop_using_subcommand list" -l no-track -d 'The opposite of --track'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s o -l output -d 'Print as table, csv or json (one object per line)' -r -f -a "table\t''
csv\t''
json\t''"
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l fields -d 'Print these fields, separated by commas, in this order' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s f -l filter -d 'Only flows that this filter holds, as in \'port 443 and rate>1M\'' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l service -d 'The clients of one service on our side, such as nfs or 53/udp' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l columns -d 'Columns: a list such as proto,dst,rtt, or +rtt,-cc' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l subnet -d 'Bits that name a network, of IPv4 and IPv6; 24,64 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l export-dir -d 'Where the keys w and e write screens and exports' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l rate-tiers -d 'From which rates on rows look busy and busier: 10k,1M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l max-closed -d 'How many ended flows the viewer keeps; 10000 by default, 0 for none' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l theme -d 'Theme of the viewer: terminal, mono, nord and so on' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'If the surroundings are fit for them'
always\t'Whatever the surroundings say'
never\t'Not at all'"
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s t -l interval -d 'Seconds between refreshes, 0.1 to 3600; 1 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l source -d 'Where to learn of flows: auto, conntrack or sockets' -r -f -a "auto\t'Connection tracking where it can be read and sees anything, else sockets'
conntrack\t'Connection tracking or nothing'
sockets\t'Sockets, even where connections are tracked'"
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l netns -d 'Look into another network namespace: a name, a process id or a path' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l rcvbuf -d 'Buffer for events in bytes, k or M; 16M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l local -d 'Networks that count as ours, such as 10.0.0.0/8; may be repeated' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l resolver -d 'Who looks names up: dns or system' -r -f -a "dns\t''
system\t''"
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l geoip-dir -d 'Look for databases of places here first' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l services -d 'A file of service names, `PORT, NAME`; wins over all others' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l nfsd-dir -d 'Where the NFS server tells of its clients; /proc/fs/nfsd by default' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l config -d 'Read this configuration last, after those of system and user' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s 4 -l ipv4 -d 'IPv4 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s 6 -l ipv6 -d 'IPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s T -l tcp -d 'TCP flows; the default if no protocol is named'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s U -l udp -d 'UDP and UDP-Lite flows, QUIC and DNS among them'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s D -l dccp -d 'DCCP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s I -l icmp -d 'ICMP and ICMPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s S -l sctp -d 'SCTP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s O -l other -d 'Every other protocol: GRE, ESP, IGMP and so on'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s A -l all -d 'All protocols'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l loopback -d 'Also flows from or to 127.0.0.0/8 and ::1'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s n -l no-dns -d 'No host names, only addresses'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l dns -d 'Host names in records, too, and whatever the configuration says'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s G -l no-geoip -d 'No places'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s s -l show-src -d 'Show where flows come from, even if that costs other columns'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l mask -d 'Pseudonyms instead of addresses and names, on screen and in records'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s b -l bits -d 'Rates in bits per second instead of bytes'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-mouse -d 'Leave the mouse to the terminal'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-state -d 'Neither use nor keep what was last chosen in the viewer'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-process -d 'Do not find out which processes flows belong to'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-sysctl -d 'Do not switch on accounting and time stamps'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l track -d 'Have the kernel track connections, if no rule does'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l print-config -d 'Print a configuration file with all keys and their defaults, and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s u -l update -d 'Update the databases of places and exit, as `flowtop update`'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s v -l version -d 'Print the version and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -s h -l help -d 'Print this help and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-loopback -d 'The opposite of --loopback'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l geoip -d 'The opposite of --no-geoip'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-show-src -d 'The opposite of --show-src'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-bits -d 'The opposite of --bits'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-mask -d 'The opposite of --mask'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l mouse -d 'The opposite of --no-mouse'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l state -d 'The opposite of --no-state'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l process -d 'The opposite of --no-process'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l sysctl -d 'The opposite of --no-sysctl'
complete -c flowtop -n "__fish_flowtop_using_subcommand events" -l no-track -d 'The opposite of --track'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s f -l filter -d 'Only flows that this filter holds, as in \'port 443 and rate>1M\'' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l service -d 'The clients of one service on our side, such as nfs or 53/udp' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l columns -d 'Columns: a list such as proto,dst,rtt, or +rtt,-cc' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l subnet -d 'Bits that name a network, of IPv4 and IPv6; 24,64 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l export-dir -d 'Where the keys w and e write screens and exports' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l rate-tiers -d 'From which rates on rows look busy and busier: 10k,1M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l max-closed -d 'How many ended flows the viewer keeps; 10000 by default, 0 for none' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l theme -d 'Theme of the viewer: terminal, mono, nord and so on' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'If the surroundings are fit for them'
always\t'Whatever the surroundings say'
never\t'Not at all'"
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s t -l interval -d 'Seconds between refreshes, 0.1 to 3600; 1 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l source -d 'Where to learn of flows: auto, conntrack or sockets' -r -f -a "auto\t'Connection tracking where it can be read and sees anything, else sockets'
conntrack\t'Connection tracking or nothing'
sockets\t'Sockets, even where connections are tracked'"
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l netns -d 'Look into another network namespace: a name, a process id or a path' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l rcvbuf -d 'Buffer for events in bytes, k or M; 16M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l local -d 'Networks that count as ours, such as 10.0.0.0/8; may be repeated' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l resolver -d 'Who looks names up: dns or system' -r -f -a "dns\t''
system\t''"
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l geoip-dir -d 'Look for databases of places here first' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l services -d 'A file of service names, `PORT, NAME`; wins over all others' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l nfsd-dir -d 'Where the NFS server tells of its clients; /proc/fs/nfsd by default' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l config -d 'Read this configuration last, after those of system and user' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s 4 -l ipv4 -d 'IPv4 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s 6 -l ipv6 -d 'IPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s T -l tcp -d 'TCP flows; the default if no protocol is named'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s U -l udp -d 'UDP and UDP-Lite flows, QUIC and DNS among them'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s D -l dccp -d 'DCCP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s I -l icmp -d 'ICMP and ICMPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s S -l sctp -d 'SCTP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s O -l other -d 'Every other protocol: GRE, ESP, IGMP and so on'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s A -l all -d 'All protocols'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l loopback -d 'Also flows from or to 127.0.0.0/8 and ::1'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s n -l no-dns -d 'No host names, only addresses'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l dns -d 'Host names in records, too, and whatever the configuration says'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s G -l no-geoip -d 'No places'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s s -l show-src -d 'Show where flows come from, even if that costs other columns'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l mask -d 'Pseudonyms instead of addresses and names, on screen and in records'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s b -l bits -d 'Rates in bits per second instead of bytes'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-mouse -d 'Leave the mouse to the terminal'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-state -d 'Neither use nor keep what was last chosen in the viewer'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-process -d 'Do not find out which processes flows belong to'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-sysctl -d 'Do not switch on accounting and time stamps'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l track -d 'Have the kernel track connections, if no rule does'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l print-config -d 'Print a configuration file with all keys and their defaults, and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s u -l update -d 'Update the databases of places and exit, as `flowtop update`'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s v -l version -d 'Print the version and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -s h -l help -d 'Print this help and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-loopback -d 'The opposite of --loopback'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l geoip -d 'The opposite of --no-geoip'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-show-src -d 'The opposite of --show-src'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-bits -d 'The opposite of --bits'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-mask -d 'The opposite of --mask'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l mouse -d 'The opposite of --no-mouse'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l state -d 'The opposite of --no-state'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l process -d 'The opposite of --no-process'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l sysctl -d 'The opposite of --no-sysctl'
complete -c flowtop -n "__fish_flowtop_using_subcommand fields" -l no-track -d 'The opposite of --track'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s f -l filter -d 'Only flows that this filter holds, as in \'port 443 and rate>1M\'' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l service -d 'The clients of one service on our side, such as nfs or 53/udp' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l columns -d 'Columns: a list such as proto,dst,rtt, or +rtt,-cc' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l subnet -d 'Bits that name a network, of IPv4 and IPv6; 24,64 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l export-dir -d 'Where the keys w and e write screens and exports' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l rate-tiers -d 'From which rates on rows look busy and busier: 10k,1M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l max-closed -d 'How many ended flows the viewer keeps; 10000 by default, 0 for none' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l theme -d 'Theme of the viewer: terminal, mono, nord and so on' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'If the surroundings are fit for them'
always\t'Whatever the surroundings say'
never\t'Not at all'"
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s t -l interval -d 'Seconds between refreshes, 0.1 to 3600; 1 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l source -d 'Where to learn of flows: auto, conntrack or sockets' -r -f -a "auto\t'Connection tracking where it can be read and sees anything, else sockets'
conntrack\t'Connection tracking or nothing'
sockets\t'Sockets, even where connections are tracked'"
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l netns -d 'Look into another network namespace: a name, a process id or a path' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l rcvbuf -d 'Buffer for events in bytes, k or M; 16M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l local -d 'Networks that count as ours, such as 10.0.0.0/8; may be repeated' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l resolver -d 'Who looks names up: dns or system' -r -f -a "dns\t''
system\t''"
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l geoip-dir -d 'Look for databases of places here first' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l services -d 'A file of service names, `PORT, NAME`; wins over all others' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l nfsd-dir -d 'Where the NFS server tells of its clients; /proc/fs/nfsd by default' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l config -d 'Read this configuration last, after those of system and user' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s 4 -l ipv4 -d 'IPv4 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s 6 -l ipv6 -d 'IPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s T -l tcp -d 'TCP flows; the default if no protocol is named'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s U -l udp -d 'UDP and UDP-Lite flows, QUIC and DNS among them'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s D -l dccp -d 'DCCP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s I -l icmp -d 'ICMP and ICMPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s S -l sctp -d 'SCTP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s O -l other -d 'Every other protocol: GRE, ESP, IGMP and so on'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s A -l all -d 'All protocols'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l loopback -d 'Also flows from or to 127.0.0.0/8 and ::1'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s n -l no-dns -d 'No host names, only addresses'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l dns -d 'Host names in records, too, and whatever the configuration says'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s G -l no-geoip -d 'No places'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s s -l show-src -d 'Show where flows come from, even if that costs other columns'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l mask -d 'Pseudonyms instead of addresses and names, on screen and in records'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s b -l bits -d 'Rates in bits per second instead of bytes'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-mouse -d 'Leave the mouse to the terminal'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-state -d 'Neither use nor keep what was last chosen in the viewer'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-process -d 'Do not find out which processes flows belong to'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-sysctl -d 'Do not switch on accounting and time stamps'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l track -d 'Have the kernel track connections, if no rule does'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l print-config -d 'Print a configuration file with all keys and their defaults, and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s u -l update -d 'Update the databases of places and exit, as `flowtop update`'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s v -l version -d 'Print the version and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -s h -l help -d 'Print this help and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-loopback -d 'The opposite of --loopback'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l geoip -d 'The opposite of --no-geoip'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-show-src -d 'The opposite of --show-src'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-bits -d 'The opposite of --bits'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-mask -d 'The opposite of --mask'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l mouse -d 'The opposite of --no-mouse'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l state -d 'The opposite of --no-state'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l process -d 'The opposite of --no-process'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l sysctl -d 'The opposite of --no-sysctl'
complete -c flowtop -n "__fish_flowtop_using_subcommand doctor" -l no-track -d 'The opposite of --track'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l from -d 'Install this file instead of fetching, after the same checks' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l dir -d 'Install into this directory' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l geoip-conf -d 'Read the mirrors from this file' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s o -l output -d 'Report as text or json' -r -f -a "text\t''
json\t''"
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s f -l filter -d 'Only flows that this filter holds, as in \'port 443 and rate>1M\'' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l service -d 'The clients of one service on our side, such as nfs or 53/udp' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l columns -d 'Columns: a list such as proto,dst,rtt, or +rtt,-cc' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l subnet -d 'Bits that name a network, of IPv4 and IPv6; 24,64 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l export-dir -d 'Where the keys w and e write screens and exports' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l rate-tiers -d 'From which rates on rows look busy and busier: 10k,1M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l max-closed -d 'How many ended flows the viewer keeps; 10000 by default, 0 for none' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l theme -d 'Theme of the viewer: terminal, mono, nord and so on' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l color -d 'Colours: auto, always or never' -r -f -a "auto\t'If the surroundings are fit for them'
always\t'Whatever the surroundings say'
never\t'Not at all'"
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s t -l interval -d 'Seconds between refreshes, 0.1 to 3600; 1 by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l source -d 'Where to learn of flows: auto, conntrack or sockets' -r -f -a "auto\t'Connection tracking where it can be read and sees anything, else sockets'
conntrack\t'Connection tracking or nothing'
sockets\t'Sockets, even where connections are tracked'"
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l netns -d 'Look into another network namespace: a name, a process id or a path' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l rcvbuf -d 'Buffer for events in bytes, k or M; 16M by default' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l local -d 'Networks that count as ours, such as 10.0.0.0/8; may be repeated' -r
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l resolver -d 'Who looks names up: dns or system' -r -f -a "dns\t''
system\t''"
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l geoip-dir -d 'Look for databases of places here first' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l services -d 'A file of service names, `PORT, NAME`; wins over all others' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l nfsd-dir -d 'Where the NFS server tells of its clients; /proc/fs/nfsd by default' -r -f -a "(__fish_complete_directories)"
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l config -d 'Read this configuration last, after those of system and user' -r -F
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l check -d 'Only tell how old the databases are; 0 fresh, 10 stale'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l force -d 'Accept an older or much smaller database'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s 4 -l ipv4 -d 'IPv4 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s 6 -l ipv6 -d 'IPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s T -l tcp -d 'TCP flows; the default if no protocol is named'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s U -l udp -d 'UDP and UDP-Lite flows, QUIC and DNS among them'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s D -l dccp -d 'DCCP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s I -l icmp -d 'ICMP and ICMPv6 flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s S -l sctp -d 'SCTP flows'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s O -l other -d 'Every other protocol: GRE, ESP, IGMP and so on'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s A -l all -d 'All protocols'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l loopback -d 'Also flows from or to 127.0.0.0/8 and ::1'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s n -l no-dns -d 'No host names, only addresses'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l dns -d 'Host names in records, too, and whatever the configuration says'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s G -l no-geoip -d 'No places'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s s -l show-src -d 'Show where flows come from, even if that costs other columns'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l mask -d 'Pseudonyms instead of addresses and names, on screen and in records'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s b -l bits -d 'Rates in bits per second instead of bytes'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-mouse -d 'Leave the mouse to the terminal'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-state -d 'Neither use nor keep what was last chosen in the viewer'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-process -d 'Do not find out which processes flows belong to'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-sysctl -d 'Do not switch on accounting and time stamps'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l track -d 'Have the kernel track connections, if no rule does'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l print-config -d 'Print a configuration file with all keys and their defaults, and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s u -l update -d 'Update the databases of places and exit, as `flowtop update`'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s v -l version -d 'Print the version and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -s h -l help -d 'Print this help and exit'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-loopback -d 'The opposite of --loopback'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l geoip -d 'The opposite of --no-geoip'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-show-src -d 'The opposite of --show-src'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-bits -d 'The opposite of --bits'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-mask -d 'The opposite of --mask'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l mouse -d 'The opposite of --no-mouse'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l state -d 'The opposite of --no-state'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l process -d 'The opposite of --no-process'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l sysctl -d 'The opposite of --no-sysctl'
complete -c flowtop -n "__fish_flowtop_using_subcommand update" -l no-track -d 'The opposite of --track'
