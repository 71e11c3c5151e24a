"""Sandboxes for code. Three strengths; the strongest that works here is taken, and policy says which is too weak.

==================================================  ==========  ==========  ============
what code cannot do                                 limits      landlock    bubblewrap
==================================================  ==========  ==========  ============
see this process's environment and descriptors      yes         yes         yes
exceed time, memory, processes, files, output       yes         yes         yes
outlive its run (daemons, ignored SIGTERM)          yes (1)     yes         yes
use root's privileges, gain new ones                yes         yes         yes
reach the network or any socket                     no          yes         yes
read files but programs and libraries               no          yes         yes
write, delete or change files but its own           no          yes         yes
signal, trace or read other processes               no          yes         yes
know names, sizes and owners of other files         no          no          yes
know which processes there are                      no          yes (2)     yes
==================================================  ==========  ==========  ============

Where this process is root's, code gets a user id of its own in all three, so that root's files are not its own
and the kernel counts its processes; to find its interpreter it may read what modes forbid, except in `bubblewrap`.

(1) Unless the code kills its warden, which `limits` cannot keep it from. (2) There is no `/proc`.

- `bubblewrap`: namespaces of its own (no network but a loopback that is down, no other process, no file of
  the machine but programs and libraries, read-only), no capabilities, and the filter of system calls
  (`seccomp`). Needs bubblewrap 0.7 and user namespaces or root.
- `landlock`: the kernel's Landlock (version 6, Linux 6.12) for files, TCP and signals, and the filter for all
  sockets and for what Landlock does not watch over; changing modes, owners, times and attributes of files does
  nothing there. Needs nothing installed and no privileges.
- `limits`: limits of the kernel per process, their sum watched, an environment and a process group of its own.
  **Not a protection against hostile code**: it reads and writes what the user may, and reaches the network.

In all three memory and processes are limited by the kernel for each process, with twice the memory, and for all
together by looking every 20 ms (`watch`): code is beyond its limits for that long before it is ended. None
protects against errors of the kernel, nor hides how fast the machine is.
"""
