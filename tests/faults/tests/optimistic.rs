//! The contract suite on the store whose units of work really interleave.

use tubeatlas_contract::contract_tests;
use tubeatlas_faults::optimistic::Optimistic;

contract_tests!(Optimistic(None), baseline = "contract-baseline-optimistic.txt");
