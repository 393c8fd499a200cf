#include "tests/sim/plant.h"
