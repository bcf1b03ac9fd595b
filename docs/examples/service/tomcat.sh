#!/bin/sh
### BEGIN INIT INFO
# Provides:          tomcat
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Tomcat, with its files in /usr/local/tomcat
### END INIT INFO

# service(8) starts this without the container's variables.
export JAVA_HOME=/usr/lib/jvm/default-java
export CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE=/usr/local/tomcat
export CATALINA_PID=/run/tomcat.pid

case "$1" in
    start)
        # Of a container that was killed: its processes are gone, their numbers are others' now.
        rm -f "$CATALINA_PID"
        : >> "$CATALINA_BASE/logs/catalina.out"
        "$CATALINA_HOME/bin/catalina.sh" start
        ;;
    stop) "$CATALINA_HOME/bin/catalina.sh" stop 10 -force ;;
    restart)
        "$0" stop
        "$0" start
        ;;
    status)
        if [ -s "$CATALINA_PID" ] && kill -0 "$(cat "$CATALINA_PID")" 2> /dev/null; then
            echo "tomcat runs"
        else
            echo "tomcat does not run"
            exit 3
        fi
        ;;
    *)
        echo "usage: $0 {start|stop|restart|status}" >&2
        exit 64
        ;;
esac
