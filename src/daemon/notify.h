#ifndef KITH_DAEMON_NOTIFY_H
#define KITH_DAEMON_NOTIFY_H

/* Tells the service manager, if one asked for it: "READY=1", "STOPPING=1" ... */
void kith_notify(const char *state);

#endif
