/** What is looked at, and whether it is as it should be. */
export interface Check {
  name: string;
  fine: boolean;
  detail: string;
}
