/** Whether the details stand beside the conversation in wide windows: a habit of this device, whatever conversation is open. */
const KEY = 'details';

class Besides {
  #open = $state(localStorage.getItem(KEY) === 'open');

  get open(): boolean {
    return this.#open;
  }
  set open(open: boolean) {
    this.#open = open;
    localStorage.setItem(KEY, open ? 'open' : 'closed');
  }
}

export const besides = new Besides();
