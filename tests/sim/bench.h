#ifndef KITH_TESTS_SIM_BENCH_H
#define KITH_TESTS_SIM_BENCH_H

/* Five nodes with ten messages a second: how many times faster than time. */
int bench_run(void);

/* Very many nodes in one group, a split of ten minutes, and how long they take to come together. */
struct scale { int nodes, messages, acts; };
int scale_run(const struct scale *s);

#endif
