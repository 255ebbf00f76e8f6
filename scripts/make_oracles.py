"""Write what other programs compute: right-hand sides and trajectories, for tests/oracles.

Runs in an environment of its own, not in that of nmfit, which it does not import: one with ``tvb-library`` 2.10.0 or
one with ``neurolib`` 0.6.2 (Python 3.11), from the root of the checkout:

    python scripts/make_oracles.py tvb
    python scripts/make_oracles.py neurolib

Each writes tests/oracles/<program>.npz. Everything is told in nmfit's units (seconds, Hz, mV) and names; the
programs' own milliseconds are converted here. A trajectory is there at two steps, so that the programs' own error
can be seen. See tests/oracles/README.md.
"""

import json
import logging
import sys
from math import pi, sqrt
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent.parent / "tests" / "oracles"
MS = 1e-3
STATES = 80
SAMPLES = 200

# Three regions, from column to row, with delays of 2, 4 and 9 ms. Single precision holds the weights exactly: TVB
# keeps weights and past states in it, so its networks agree with others to about 1e-6 alone.
WEIGHTS = np.array([[0.0, 0.5, 0.25], [1.0, 0.0, 0.125], [0.75, 0.375, 0.0]])
LENGTHS = np.array([[0.0, 20.0, 45.0], [20.0, 0.0, 10.0], [45.0, 10.0, 0.0]])  # mm
SPEED = 5.0  # m/s


def spread(ranges, seed):
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(low, high, STATES) for low, high in ranges])


class Fixture(dict):
    """Arrays by name, and beside each model the parameters it ran with."""

    def add(self, name, parameters, units, rate, **arrays):
        """Store a case; `units` turn the program's states into nmfit's, `rate` its time into seconds."""
        self[f"{name}/parameters"] = np.array(json.dumps(parameters))
        for what, value in arrays.items():
            value = np.asarray(value, float)
            if what in ("x", "f", "coarse", "fine", "start"):
                value = value * np.reshape(units, (-1,) + (1,) * (value.ndim - 1))
            self[f"{name}/{what}"] = value / rate if what == "f" else value

    def write(self, path):
        HERE.mkdir(exist_ok=True)
        np.savez_compressed(path, **self)
        print(f"{path.name}: {len(self)} arrays, {path.stat().st_size / 1024:.0f} KB")


# ---------------------------------------------------------------------------------------------------- TVB

def tvb():
    logging.disable(logging.CRITICAL)
    from tvb.datatypes.connectivity import Connectivity
    from tvb.simulator import coupling, integrators, models, monitors, simulator

    def one(value):
        return np.array([float(value)])

    def brain(weights, lengths):
        n = len(weights)
        return Connectivity(weights=weights, tract_lengths=lengths, speed=one(SPEED), centres=np.zeros((n, 3)),
                            region_labels=np.array([f"r{i}" for i in range(n)]))

    def run(model, start, milliseconds, dt, weights=None, joined=None, lengths=None):
        """Heun, coupling frozen over a step; states ``[d, n, t]``, evenly sampled."""
        start = np.asarray(start, float)
        weights = np.zeros((1, 1)) if weights is None else weights
        lengths = np.zeros_like(weights) if lengths is None else lengths
        horizon = int(np.rint(lengths / SPEED / dt).max()) + 1
        history = np.broadcast_to(start[None, :, :, None], (horizon, *start.shape, 1)).copy()
        model.variables_of_interest = tuple(model.state_variables)
        sim = simulator.Simulator(
            model=model, connectivity=brain(weights, lengths), coupling=joined or coupling.Linear(a=one(0)),
            integrator=integrators.HeunDeterministic(dt=dt), monitors=(monitors.Raw(),),
            initial_conditions=history).configure()
        (_, found), = sim.run(simulation_length=milliseconds)
        every = round(milliseconds / dt) // SAMPLES
        return found[every - 1::every, :, :, 0].transpose(1, 2, 0)[..., :SAMPLES]

    def case(name, make, parameters, ranges, inputs, units, start, milliseconds, dt, rate=MS, unit_of_input=1.0):
        x, c = spread(ranges, 1), spread(inputs, 2)
        f = make().dfun(x[:, :, None].copy(), c[:, :, None].copy())[:, :, 0]
        column = np.reshape(start, (-1, 1))
        coarse, fine = (run(make(), column, milliseconds, step)[:, 0] for step in (dt, dt / 2))
        out.add(name, parameters, units, rate, x=x, f=f, start=start, coarse=coarse, fine=fine)
        out[f"{name}/c"] = c * unit_of_input
        out[f"{name}/seconds"] = np.array(milliseconds * rate)

    out = Fixture()
    case("Hopf", lambda: models.SupHopf(a=one(0.02), omega=one(0.07)),
         {"a": 0.02 / MS, "beta": 1 / MS, "f": 0.07 / MS / (2 * pi)},
         [(-1, 1)] * 2, [(-0.1, 0.1)] * 2, [1, 1], [0.5, 0.1], 200, 0.05, unit_of_input=1 / MS)
    case("JansenRit", lambda: models.JansenRit(v0=one(6.0), mu=one(0.22)),
         {"v0": 6.0, "p": 220.0},
         [(0, 0.5), (0, 40), (0, 40), (-0.02, 0.02), (-2, 2), (-2, 2)], [(0, 0.1)],
         [1, 1, 1, 1 / MS, 1 / MS, 1 / MS], [0.1, 22.0, 16.0, 0.0, 0.1, 0.0], 400, 0.1, unit_of_input=1 / MS)
    case("WilsonCowan",
         lambda: models.WilsonCowan(c_ee=one(16), c_ei=one(12), c_ie=one(15), c_ii=one(3), a_e=one(1.3), a_i=one(2.0),
                                    b_e=one(4.0), b_i=one(3.7), tau_e=one(8), tau_i=one(8), P=one(1.25), Q=one(0.1),
                                    k_e=one(0.99), k_i=one(0.98), r_e=one(1.0), r_i=one(0.9), theta_e=one(0),
                                    theta_i=one(0), alpha_e=one(1), alpha_i=one(1), c_e=one(1), c_i=one(1)),
         {"w_EE": 16.0, "w_EI": 12.0, "w_IE": 15.0, "w_II": 3.0, "a_E": 1.3, "a_I": 2.0, "theta_E": 4.0,
          "theta_I": 3.7, "tau_E": 0.008, "tau_I": 0.008, "P": 1.25, "Q": 0.1, "k_E": 0.99, "k_I": 0.98, "r_I": 0.9,
          "shifted": True},
         [(0, 1)] * 2, [(-1, 1)], [1, 1], [0.1, 0.1], 200, 0.05)
    case("ReducedWongWang", lambda: models.ReducedWongWang(w=one(0.9), I_o=one(0.3)),
         {}, [(0.01, 1)], [(0, 1)], [1], [0.3], 1000, 1.0)
    case("WongWang",
         lambda: models.ReducedWongWangExcInh(J_i=one(1.3), G=one(1.0), lamda=one(0.4), I_ext=one(0.01)),
         {"J": 1.3, "lam": 0.4, "I_ext": 0.01},
         [(0.01, 1), (0.01, 0.3)], [(0, 1)], [1, 1], [0.4, 0.02], 400, 0.1)
    case("QIF", lambda: models.MontbrioPazoRoxin(tau=one(10), eta=one(-4.8), J=one(14.5), Delta=one(0.9), I=one(0),
                                                 Gamma=one(0), cr=one(1), cv=one(0)),
         {"tau": 0.01, "eta": -4.8, "J": 14.5, "Delta": 0.9},
         [(0.001, 0.2), (-3, 2)], [(-1, 1), (0, 0)], [1 / MS, 1], [0.08, -0.4], 100, 0.02)
    out["QIF/c"] = out["QIF/c"][:1]  # the second of its inputs, through V, has no weight
    case("FitzHughNagumo",
         lambda: models.Generic2dOscillator(
             tau=one(sqrt(20)), d=one(1 / sqrt(20)), alpha=one(-1), f=one(3), e=one(4), g=one(-1.5), gamma=one(1),
             b=one(1), beta=one(0.5), a=one(0), c=one(0), I=one(1.0)),
         {"I": 1.0}, [(-0.5, 1.5), (-0.5, 2)], [(-0.5, 0.5)], [1, 1], [0.1, 0.3], 100, 0.02)

    def joined(name, make, parameters, coupled, G, units, start, milliseconds, dt, lengths=LENGTHS):
        start = np.array(start, float)
        coarse, fine = (run(make(), start, milliseconds, step, WEIGHTS, coupled(), lengths) for step in (dt, dt / 2))
        out.add(f"network/{name}", parameters, units, MS, start=start, coarse=coarse, fine=fine)
        for what, value in (("seconds", milliseconds * MS), ("step", dt * MS), ("G", G), ("weights", WEIGHTS),
                            ("delays", lengths / SPEED * MS)):
            out[f"network/{name}/{what}"] = np.array(value, float)

    joined("Kuramoto", lambda: models.Kuramoto(omega=np.array([0.060, 0.063, 0.068])),
           {"f": [0.060 / MS / (2 * pi), 0.063 / MS / (2 * pi), 0.068 / MS / (2 * pi)]},
           lambda: coupling.Kuramoto(a=one(0.02)), 0.02 / MS, [1], [[0.3, 1.5, -0.8]], 400, 0.1, np.zeros((3, 3)))
    joined("Hopf", lambda: models.SupHopf(a=one(0.01), omega=np.array([0.06, 0.07, 0.065])),
           {"a": 0.01 / MS, "beta": 1 / MS, "f": [0.06 / MS / (2 * pi), 0.07 / MS / (2 * pi), 0.065 / MS / (2 * pi)]},
           lambda: coupling.Difference(a=one(0.03)), 0.03 / MS, [1, 1], [[0.1, -0.2, 0.05], [0.0, 0.1, -0.1]],
           400, 0.1)
    # Its coupling curve is the model's own: midpoint and steepness alike, its height 2 e0 = 0.005 per ms.
    joined("JansenRit", lambda: models.JansenRit(v0=one(6.0), mu=one(0.15)),
           {"v0": 6.0, "p": 150.0},
           lambda: coupling.SigmoidalJansenRit(a=one(10.0), cmin=one(0), cmax=one(0.005), midpoint=one(6.0),
                                               r=one(0.56)), 10.0,
           [1, 1, 1, 1 / MS, 1 / MS, 1 / MS],
           [[0.1, 0.11, 0.12], [22, 23, 24], [16, 16.5, 17], [0, 0, 0], [0, 0, 0], [0, 0, 0]], 400, 0.1)
    out.write(HERE / "tvb.npz")


# ----------------------------------------------------------------------------------------------- neurolib

def neurolib():
    from neurolib.models.fhn import FHNModel
    from neurolib.models.hopf import HopfModel
    from neurolib.models.wc import WCModel
    from neurolib.models.ww import WWModel

    def run(cls, names, inits, settings, start, milliseconds, dt, weights, lengths):
        """Explicit Euler; states ``[d, n, t]`` at every step."""
        model = cls(Cmat=weights, Dmat=lengths)
        for key, value in {"dt": dt, "duration": milliseconds, "sigma_ou": 0.0, "signalV": SPEED, **settings}.items():
            model.params[key] = value
        for key, value in zip(inits, start, strict=True):
            model.params[key] = np.asarray(value, float)[:, None]
        model.run()
        return np.stack([np.asarray(model[name]) for name in names])

    def thinned(y):
        every = y.shape[-1] // SAMPLES
        return y[..., every - 1::every][..., :SAMPLES]

    def case(name, cls, names, inits, settings, parameters, ranges, start, milliseconds, dt):
        x = spread(ranges, 3)
        apart = np.zeros((STATES, STATES))
        # One Euler step from each state, in as many uncoupled nodes, holds the right-hand side.
        step = 0.1
        f = (run(cls, names, inits, settings, x, step, step, apart, apart)[..., -1] - x) / step
        column = np.reshape(start, (-1, 1))
        nothing = np.zeros((1, 1))
        coarse, fine = (thinned(run(cls, names, inits, settings, column, milliseconds, s, nothing, nothing))[:, 0]
                        for s in (dt, dt / 2))
        out.add(name, parameters, np.ones(len(names)), MS, x=x, f=f, start=start, coarse=coarse, fine=fine)
        out[f"{name}/c"] = np.zeros((1, STATES))
        out[f"{name}/seconds"] = np.array(milliseconds * MS)

    def joined(name, cls, names, inits, settings, parameters, G, start, milliseconds, dt):
        coarse, fine = (thinned(run(cls, names, inits, settings, np.array(start), milliseconds, s, WEIGHTS, LENGTHS))
                        for s in (dt, dt / 2))
        out.add(f"network/{name}", parameters, np.ones(len(names)), MS, start=start, coarse=coarse, fine=fine)
        for what, value in (("seconds", milliseconds * MS), ("step", dt * MS), ("G", G), ("weights", WEIGHTS),
                            ("delays", LENGTHS / SPEED * MS)):
            out[f"network/{name}/{what}"] = np.array(value, float)

    def everywhere(value, n):
        return np.full(n, float(value))

    out = Fixture()
    xy, xy_init = ("x", "y"), ("xs_init", "ys_init")
    EI, EI_init = ("exc", "inh"), ("exc_init", "inh_init")
    case("Hopf", HopfModel, xy, xy_init, {"a": 0.02, "w": 0.07},
         {"a": 0.02 / MS, "beta": 1 / MS, "f": 0.07 / MS / (2 * pi)}, [(-1, 1)] * 2, [0.5, 0.1], 200, 0.05)
    case("FitzHughNagumo", FHNModel, xy, xy_init, {"delta": 0.1, "tau": 18.0, "x_ext": 1.0},
         {"I": 1.0, "delta": 0.1, "tau_w": 0.018}, [(-0.5, 1.5), (-0.5, 2)], [0.1, 0.3], 100, 0.02)
    case("WilsonCowan", WCModel, EI, EI_init, {"exc_ext": 1.2, "inh_ext": 0.1},
         {"P": 1.2, "Q": 0.1}, [(0, 1)] * 2, [0.1, 0.1], 100, 0.005)
    # This version gives the inhibitory gating the excitatory time constant: with both equal it is right.
    case("WongWang", WWModel, ("se", "si"), ("ses_init", "sis_init"), {"tau_exc": 40.0, "tau_inh": 40.0, "J_I": 1.2},
         {"tau_E": 0.04, "tau_I": 0.04, "J": 1.2}, [(0.01, 1), (0.01, 0.3)], [0.4, 0.02], 400, 0.1)
    joined("FitzHughNagumo", FHNModel, xy, xy_init, {"x_ext": everywhere(1.0, 3), "K_gl": 0.2, "coupling": "diffusive"},
           {"I": 1.0}, 0.2, [[0.1, 0.4, 0.6], [0.3, 0.5, 0.7]], 100, 0.02)
    joined("WilsonCowan", WCModel, EI, EI_init, {"exc_ext": everywhere(0.7, 3), "K_gl": 0.6},
           {"P": 0.7}, 0.6, [[0.1, 0.15, 0.2], [0.05, 0.1, 0.15]], 100, 0.02)
    out.write(HERE / "neurolib.npz")


if __name__ == "__main__":
    {"tvb": tvb, "neurolib": neurolib}[sys.argv[1]]()
