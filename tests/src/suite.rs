//! `conformance!`: a `#[test]` for each clause, adapter and pool.

/// Makes a `#[test]` of every clause, for each adapter and each of its pools.
///
/// See the [crate's front page](crate). The subject's expression is evaluated anew for each test.
#[macro_export]
macro_rules! conformance {
    ($($(#[$meta:meta])* $adapter:ident { $($pool:ident => $subject:expr;)+ })+) => {$(
        $(#[$meta])*
        mod $adapter {
            $(mod $pool {
                #[allow(unused_imports, reason = "the subject's expression may name all of them in full")]
                use super::super::*;
                $crate::__clauses! { $subject }
            })+
        }
    )+};
}

/// The list of the clauses.
#[doc(hidden)]
#[macro_export]
macro_rules! __clauses {
    ($subject:expr) => {
        // What is about pools, calls and gathers more than about the runtime is asked of it by the handle that all runtimes have:
        // compiled once, and not once more for each of them, which took two thirds of the time.
        $crate::__tests! { $subject; tasks;
            c01_spawn_begins_at_once
            c01_submit_and_start_begin_at_once
            c01_a_call_begins_at_its_first_poll
            c01_a_settled_call_begins_at_its_first_poll
            c01_run_runs_a_call_on_this_thread
            c02_every_task_ends_in_its_value
            c02_no_wake_is_lost_between_threads
            c02_the_last_awaiter_is_woken
            c02_a_call_resumes_its_panic
            c02_a_call_panics_with_the_text_of_other_errors
            c02_polled_again_after_the_end_panics
            c03_a_queued_closure_is_dropped_by_the_canceller
            c03_a_queued_closures_destructor_may_panic
            c03_a_dropped_future_is_not_polled_again
            c03_a_future_that_was_not_polled_yet_is_dropped
            c03_a_running_closure_sees_it_and_its_result_is_dropped
            c03_outside_a_cancelled_call_nothing_is_cancelled
            c03_an_unwanted_value_is_dropped_with_its_task
            c03_what_runs_may_drop_its_own_handle
            c03_detach_lets_the_work_run_to_its_end
            c04_abort_can_be_repeated_from_sync_code
            c04_abort_wakes_the_awaiter
            c04_abort_comes_too_late_for_what_has_ended
            c04_an_aborted_task_is_finished_once_it_has_stopped
            c04_an_abort_counts_while_somebody_asks_for_the_state
            c04_who_is_woken_by_an_abort_may_look_at_the_task
            c04_cancel_waits_for_a_running_closure
            c04_cancel_waits_until_a_future_is_dropped
            c04_cancel_gives_what_came_first
            c05_a_panic_comes_back_with_its_payload
            c05_nobody_else_notices_a_panic
            c05_the_only_worker_survives
            c07_a_panicking_waker_takes_down_no_worker
            c07_a_panicking_waker_does_not_disturb_an_abort
            c07_a_waker_that_panics_as_it_drops_takes_down_no_worker
            c07_a_value_that_panics_as_it_drops_takes_down_no_worker
            c07_a_capture_that_panics_as_it_drops_takes_down_no_worker
            c07_a_future_may_panic_and_then_panic_as_it_drops
            c07_a_payload_that_panics_as_it_drops_takes_down_no_worker
            c06_what_a_closure_captured_is_gone_before_its_result
            c06_a_future_is_gone_before_its_result
            c06_a_cancelled_closure_is_dropped_once
            c06_cancelling_and_running_race_for_a_closure
            c06_a_refused_closure_is_dropped_or_given_back
            c06_a_pool_that_refuses_and_keeps_the_job_runs_nothing
            c06_a_job_that_is_given_up_ends_in_shutdown
            c06_running_a_job_never_panics
            c08_blocking_inside_block_on_panics_with_advice
            c08_blocking_inside_a_spawned_future_panics_with_advice
            c08_blocking_inside_from_threads_block_on_panics_with_advice
            c08_elsewhere_blocking_is_allowed
        }
        $crate::__tests! { $subject.erased(); cancelling;
            c36_a_hook_runs_at_once_where_it_is_cancelled
            c36_a_hook_ends_what_blocks
            c36_in_a_cancelled_call_a_hook_runs_right_away
            c36_no_hook_runs_after_its_guard_or_its_call
            c36_who_drops_the_guard_waits_for_the_hook
            c36_hooks_run_in_order_and_may_panic
            c36_a_hook_may_drop_its_own_guard
            c36_outside_a_call_no_hook_is_called
            c36_nested_calls_have_hooks_of_their_own
            c36_an_item_of_a_map_has_hooks
            c36_a_shutdown_whose_time_is_up_calls_the_hooks
            c36_hooks_and_ends_race
            c36_check_cancelled_is_an_error_of_the_call
            c36_cancelled_is_a_future_inside_block_on
            c36_cancelled_can_be_dropped_and_made_anew
            c36_a_sleep_ends_early
            c36_what_is_checked_stops_between_two_steps
            c33_a_call_can_spawn
            c33_to_spawn_outside_a_call_panics_with_advice
            c37_a_token_cancels_what_is_queued
            c37_a_token_reaches_what_runs
            c37_a_detached_call_obeys_its_token
            c37_a_cancelled_token_starts_nothing
            c37_a_token_comes_too_late_for_what_has_ended
            c37_a_token_works_wherever_a_call_runs
            c37_a_token_aborts_a_task_that_is_awaited
            c38_a_call_in_time_gives_its_value
            c38_a_call_that_runs_too_long_is_aborted
            c38_a_call_whose_deadline_passes_in_the_queue_never_runs
            c38_an_overdue_call_is_not_begun
            c38_a_task_has_a_time_limit
            c38_the_deadline_is_seen_inside
            c38_nested_deadlines_take_the_earliest
            c38_a_deadline_without_a_runtime_is_an_error
            c38_dropping_a_call_with_a_deadline_cancels_it
            c39_what_is_shielded_goes_on
            c39_the_result_is_collected_later
            c39_a_task_that_was_taken_back_can_be_cancelled
            c03_a_storm_of_cancellations_leaves_nothing_behind
        }
        $crate::__tests! { $subject.erased(); maps;
            c01_a_map_begins_at_its_first_poll
            c02_a_map_gives_its_results_in_input_order
            c02_a_map_that_is_refused_ends_in_the_reason
            c03_a_dropped_map_drops_what_has_not_begun
            c03_an_item_that_runs_sees_that_its_map_was_dropped
            c05_an_items_panic_comes_back_with_its_payload
            c06_what_a_map_captured_is_gone_before_its_results
            c07_a_maps_values_and_wakers_may_panic
            c10_items_of_a_map_that_block_use_a_thread_each
            c18_a_map_lets_others_have_their_turn
            c19_a_run_waits_for_the_items_that_run
            c34_items_see_the_context_of_their_maps_beginning
        }
        $crate::__tests! { $subject.erased(); actors;
            c01_an_actors_calls_run_in_the_order_of_their_beginning
            c02_an_actors_calls_end_each_in_its_value
            c03_a_dropped_call_of_an_actor_never_runs
            c05_an_actors_panic_ends_every_call_in_what_happened
            c08_waiting_for_an_actor_in_async_code_panics_with_advice
            c14_a_call_waits_for_room_in_a_full_actor
            c15_an_actors_last_handle_may_be_dropped_anywhere
            c19_a_run_drains_an_actors_calls
            c33_an_actors_call_can_go_back_into_async
            c33_an_actors_call_does_not_wait_for_its_own
            c34_an_actors_calls_see_their_callers_context
        }
        $crate::__tests! { $subject.erased(); thread_pool;
            c10_calls_that_block_use_a_thread_each
            c10_all_threads_of_a_pool_can_block_at_once
            c11_no_more_than_max_threads_run
            c11_one_thread_starts_them_in_order
            c12_the_last_to_go_idle_is_used_first
            c12_idle_threads_end_and_the_minimum_stays
            c13_short_calls_start_few_threads
            c16_without_any_thread_tasks_end_in_no_thread
            c16_queued_work_waits_for_a_living_thread
            c16_a_refusal_is_not_for_ever
            c16_refusals_at_the_same_time_lose_nothing
            c16_a_handler_that_panics_refuses
            c16_a_thread_that_dies_in_its_set_up_is_a_refusal
            c16_a_handler_that_started_the_thread_all_the_same
            c14_a_full_queue_refuses_what_does_not_wait
            c14_a_call_waits_for_room_in_order
            c14_who_waits_for_room_can_be_cancelled
            c14_a_cancelled_call_leaves_its_room
            c14_the_queue_never_grows_past_its_limit
            c14_a_shutdown_runs_who_waits_for_room
            c15_a_shutdown_runs_what_is_queued
            c15_a_shutdown_runs_what_views_have_queued
            c15_inside_a_call_of_the_pool_it_is_refused
            c15_a_shutdown_in_time_counts_what_finished
            c15_a_shutdown_whose_time_is_up_cancels_the_rest
            c15_dropping_the_last_handle_runs_what_is_queued
            c15_a_view_keeps_its_pool_open
            c15_submits_that_race_with_a_shutdown_end
            c17_a_call_may_wait_for_another_on_a_full_pool
            c17_a_call_may_wait_for_another_on_a_full_view
            c17_a_call_may_wait_for_another_under_its_limiter
            c17_a_deadline_is_let_come
            c17_all_threads_may_wait_at_once
            c17_the_place_is_taken_back_without_waiting
            c17_too_deep_is_an_error
            c17_too_deep_is_an_error_in_block_on
            c17_waiting_for_other_things_needs_no_thread
            c18_a_view_keeps_its_limit
            c18_limits_do_not_add_up
            c18_a_view_of_none_says_so
            c18_queues_are_served_in_turn
            c18_a_full_view_keeps_nobody_else_waiting
            c18_any_pool_can_be_limited
            c18_a_call_may_take_several_permits
        }
        $crate::__tests! { $subject; runs;
            c19_a_run_cancels_its_futures
            c19_a_run_drains_its_closures
            c19_a_run_waits_for_a_closure_that_runs
            c19_other_runs_are_not_waited_for
            c19_what_was_started_outside_goes_on
            c19_a_run_reports_what_its_limit_left_behind
            c19_a_run_catches_its_futures_wherever_they_are
            c19_a_run_that_panics_drains_first
            c19_a_run_makes_its_runtime_current
        }
        $crate::__tests! { $subject; gathering;
            c20_the_runtimes_gather_keeps_the_order
            c22_a_panic_cancels_the_tasks_of_the_runtimes_gather
            c23_an_error_cancels_the_tasks_of_the_runtimes_gather
            c25_the_runtimes_gather_has_a_limit
        }
        $crate::__tests! { $subject.erased(); gathering;
            c20_results_are_in_input_order
            c20_the_order_of_completion_does_not_matter
            c20_children_may_be_woken_by_other_threads
            c20_none_in_none_out_at_once
            c20_tuples_keep_their_places
            c20_polled_again_after_the_end_it_panics
            c20_progress_is_told_of_each_child
            c20_progress_of_a_tuple_is_told_of_each_child
            c20_a_cancelled_task_is_an_error_in_its_own_place
            c21_a_child_that_always_wakes_itself_starves_nobody
            c22_a_panic_drops_the_siblings_first
            c22_a_panic_drops_the_siblings_of_a_tuple
            c22_siblings_may_panic_as_they_drop
            c22_settled_children_end_each_in_its_own_result
            c22_a_settled_gather_gives_each_child_its_own_result
            c22_a_settled_try_gather_still_ends_with_an_error
            c22_a_panic_goes_up_through_nested_gathers
            c23_the_first_error_in_time_is_returned
            c23_the_first_in_time_is_not_the_first_in_place
            c23_a_failing_call_is_not_kept_by_those_that_block
            c23_siblings_may_panic_as_they_drop
            c23_the_first_in_time_wins_a_race
            c23_an_error_goes_up_through_nested_gathers
            c23_a_race_that_borrows_leaves_the_losers
            c24_outputs_may_panic_as_they_drop
            c24_dropping_it_drops_every_child
            c24_dropping_it_cancels_queued_calls
            c24_children_may_panic_as_they_drop
            c24_dropping_it_reaches_nested_gathers
            c24_aborting_the_task_that_gathers_drops_the_children
            c24_what_is_lent_outlives_the_gather
            c25_at_most_n_children_are_unfinished
            c25_the_iterator_is_drawn_from_lazily
            c25_a_panic_ends_the_drawing
            c25_dropping_it_drops_what_is_there
            c26_what_is_done_comes_back_by_index
            c26_a_gather_that_ends_first_is_whole
            c26_children_may_panic_as_they_drop
            c26_the_end_may_come_from_another_thread
            c26_a_child_may_end_its_own_gather
            c27_values_come_in_the_order_of_completion
            c27_each_value_comes_once
            c27_an_error_is_the_last_item
            c27_children_go_on_while_the_body_runs
            c27_a_slow_body_holds_the_drawing_back
            c27_dropping_the_stream_drops_the_rest
            c27_a_panic_is_the_last_that_comes
            c28_wakers_may_do_what_they_want
            c28_wakers_may_outlive_the_gather
            c28_no_output_leaks
        }
        $crate::__tests! { $subject; runtimes;
            c30_the_ambient_runtime_is_current
            c30_the_innermost_runtime_is_current
            c30_a_call_runs_on_the_pool_that_was_said
            c33_a_call_can_go_back_into_async
            c33_calls_and_async_nest
            c33_a_panic_inside_goes_on_in_the_call
            c33_is_cancelled_is_seen_inside
            c33_outside_a_call_it_panics_with_advice
            c33_a_runtime_that_nobody_drives_is_told_of
            c34_a_call_sees_its_callers_context
            c34_the_context_is_that_of_the_submission
            c34_nothing_is_left_on_the_thread
            c35_an_adapter_may_be_dropped_in_async_code
            c35_an_adapter_may_be_dropped_in_a_call
            c35_an_adapter_may_be_dropped_by_its_own_future
        }
    };
}

/// A test for each clause of one part.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ($subject:expr; $part:ident; $($clause:ident)+) => {$(
        #[test]
        fn $clause() {
            let name = concat!(module_path!(), "::", stringify!($clause));
            $crate::watched(name, || $crate::$part::$clause(&$subject));
        }
    )+};
}
